//! What text messages cost, and how much of that is left.

use std::sync::Arc;

use fanfare::{Fanfare, Owner, SnsError, SnsErrorCode, Timestamp};
use serde::{Deserialize, Serialize};

use super::{Phones, Usd, id_of, read, written};

/// The kind of the documents; ids are `<region>/<account>/<year>-<month>`.
const KIND: &str = "sms-spent";

/// How many documents are looked at together.
const PAGE: usize = 1_000;

#[derive(Serialize, Deserialize)]
struct Spent {
    spent: Usd,
}

/// Whether there was enough money left.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Budget {
    Enough,
    Exhausted,
}

impl Phones {
    /// Spends `cost` for `owner`, unless that would exceed the limit of the month that `now` is in.
    pub(super) async fn spend(&self, owner: &Owner, cost: Usd, now: Timestamp) -> Result<Budget, SnsError> {
        let limit = self.attributes(owner)?.monthly_limit();
        let mut budget = Budget::Enough;
        let spend = |known: Option<&str>| {
            let spent = known.map(read::<Spent>).transpose()?.map_or(Usd::ZERO, |known| known.spent).plus(cost);
            if spent > limit {
                budget = Budget::Exhausted;
                return Ok(known.map(str::to_owned));
            }
            written(&Spent { spent }).map(Some)
        };
        self.documents.update::<SnsError>(KIND, &id_of_month(owner, now), spend).await?;
        Ok(budget)
    }

    /// Takes back what was spent on a message that was not sent.
    pub(super) async fn take_back(&self, owner: &Owner, cost: Usd, now: Timestamp) -> Result<(), SnsError> {
        let take_back = |known: Option<&str>| {
            let known: Spent =
                read(known.ok_or_else(|| SnsError::new(SnsErrorCode::InternalError, "nothing was spent"))?)?;
            written(&Spent { spent: known.spent.minus(cost) }).map(Some)
        };
        self.documents.update(KIND, &id_of_month(owner, now), take_back).await
    }
}

/// What an account spent on text messages in the month that it is now.
#[derive(Debug)]
pub(crate) struct SpentThisMonth {
    pub(crate) region: String,
    pub(crate) account: String,
    pub(crate) usd: Usd,
}

/// What each account spent this month, of those that spent something.
pub(crate) fn spent_this_month(fanfare: &Fanfare) -> Vec<SpentThisMonth> {
    let month = month(fanfare.now());
    let (mut found, mut after) = (Vec::new(), None::<Arc<str>>);
    loop {
        let page = fanfare.documents().page(KIND, after.as_deref(), PAGE);
        let Some((last, _)) = page.last() else { return found };
        after = Some(Arc::clone(last));
        for (id, text) in &page {
            if let [region, account, of] = id.split('/').collect::<Vec<_>>()[..]
                && of == month
                && let Ok(Spent { spent: usd }) = read(text)
            {
                found.push(SpentThisMonth { region: region.to_owned(), account: account.to_owned(), usd });
            }
        }
    }
}

fn id_of_month(owner: &Owner, now: Timestamp) -> String {
    format!("{}/{}", id_of(owner), month(now))
}

fn month(now: Timestamp) -> String {
    // The first characters of a time are year and month.
    format!("{:.7}", now.to_string())
}
