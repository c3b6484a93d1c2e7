//! What became of a notification, kept beside its text, so that it is searched and signed once and not for each subscriber.

use std::sync::{Arc, Mutex, PoisonError};

use fanfare::Notification;

use super::policy::DataProtectionPolicy;

/// The slot in a text's memo, drawn once.
const SLOT: u64 = 0xda7a_0001_5c4e_e2ed;

/// What became of one text, by the policy and the statements that were about it.
#[derive(Debug, Default)]
pub(super) struct TreatedOnce(Mutex<Vec<Known>>);

#[derive(Debug)]
struct Known {
    policy: Arc<DataProtectionPolicy>,
    statements: Vec<usize>,
    treated: Treated,
}

/// Another notification, none when it may go as it is, or why it may not.
type Treated = Result<Option<Notification>, String>;

impl TreatedOnce {
    /// What became of the text of `notification`, or becomes by `treat`.
    pub(super) fn of(
        notification: &Notification,
        policy: &Arc<DataProtectionPolicy>,
        statements: Vec<usize>,
        treat: impl FnOnce() -> Treated,
    ) -> Treated {
        let slot = notification.memo().slot::<Self>(SLOT);
        let mut known = slot.0.lock().unwrap_or_else(PoisonError::into_inner);
        // Of a policy that was replaced nothing is needed any more.
        known.retain(|known| Arc::ptr_eq(&known.policy, policy));
        let treated = match known.iter().find(|known| known.statements == statements) {
            Some(known) => known.treated.clone(),
            None => {
                let treated = treat();
                known.push(Known { policy: Arc::clone(policy), statements, treated: treated.clone() });
                treated
            }
        };
        Ok(treated?.map(|treated| notification.in_the_words_of(&treated)))
    }
}
