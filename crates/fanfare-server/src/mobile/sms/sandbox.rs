//! The SMS sandbox: numbers that an account has verified, and those that are about to be.

use std::time::Duration;

use fanfare::{Owner, SnsError, Timestamp};
use serde::{Deserialize, Serialize};

use super::one_time_password::{Language, OneTimePassword};
use super::{PhoneNumber, Phones, id_of, id_of_number, read, written};
use crate::mobile::settings::Sandbox;

/// The kind of the documents; ids are `<region>/<account>/<number>`.
const KIND: &str = "sms-sandbox-number";

/// How many numbers an account may have.
const NUMBERS_MAX: usize = 10;

/// For how long a one-time password counts, and how many tries there are.
const PASSWORD_LIFETIME: Duration = Duration::from_secs(15 * 60);
const TRIES: u32 = 5;

/// A number of an account in the sandbox.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct SandboxNumber {
    /// Set until the number is verified.
    pending: Option<Pending>,
}

/// What a verification waits for.
#[derive(Debug, Clone, Serialize, Deserialize)]
struct Pending {
    password: OneTimePassword,
    language: Language,
    expires: Timestamp,
    tries: u32,
}

/// Where the verification of a number stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verification {
    Pending,
    Verified,
}

impl Verification {
    /// The status as Amazon SNS answers it.
    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "Pending",
            Self::Verified => "Verified",
        }
    }
}

/// Why a request about a number of the sandbox is refused.
#[derive(Debug)]
pub(crate) enum Refused {
    /// There is no such number.
    Unknown,
    /// It is verified already, or there are as many as there may be.
    Rule(String),
    /// The one-time password is not the one that was sent, or does not count any more.
    WrongPassword,
    /// Anything else.
    Other(SnsError),
}

impl From<SnsError> for Refused {
    fn from(error: SnsError) -> Self {
        Self::Other(error)
    }
}

impl SandboxNumber {
    fn verification(&self) -> Verification {
        if self.pending.is_some() { Verification::Pending } else { Verification::Verified }
    }
}

impl Phones {
    /// Whether `owner` may write to `number`.
    pub(crate) fn may_write_to(&self, owner: &Owner, number: &PhoneNumber) -> Result<bool, SnsError> {
        if self.settings.sandbox == Sandbox::Off {
            return Ok(true);
        }
        let known: Option<SandboxNumber> = self.record(KIND, &id_of_number(owner, number))?;
        Ok(known.is_some_and(|known| known.verification() == Verification::Verified))
    }

    /// Whether `text` is what `number` has to be sent in order to verify it.
    pub(super) fn is_verification(&self, owner: &Owner, number: &PhoneNumber, text: &str) -> Result<bool, SnsError> {
        let known: Option<SandboxNumber> = self.record(KIND, &id_of_number(owner, number))?;
        let pending = known.and_then(|known| known.pending);
        Ok(pending.is_some_and(|pending| pending.language.text(&pending.password) == text))
    }

    /// Begins, or begins again, to verify `number`. Answers the text that it is to be sent.
    ///
    /// # Errors
    /// `Rule` when it is verified, or when the account has as many numbers as it may have.
    pub(crate) async fn begin_verification(
        &self,
        owner: &Owner,
        number: &PhoneNumber,
        language: Language,
        now: Timestamp,
    ) -> Result<String, Refused> {
        let password = OneTimePassword::new();
        let text = language.text(&password);
        let count = self.sandbox_numbers(owner, None, NUMBERS_MAX)?.len();
        let pending = Pending { password, language, expires: now + PASSWORD_LIFETIME, tries: TRIES };
        let begin = |known: Option<&str>| {
            match known.map(read::<SandboxNumber>).transpose()? {
                Some(known) if known.verification() == Verification::Verified => {
                    return Err(Refused::Rule(format!("Phone number {number} is verified already")));
                }
                None if count == NUMBERS_MAX => {
                    return Err(Refused::Rule(format!("An account has at most {NUMBERS_MAX} sandbox phone numbers")));
                }
                _ => {}
            }
            Ok(Some(written(&SandboxNumber { pending: Some(pending) })?))
        };
        self.documents.update(KIND, &id_of_number(owner, number), begin).await?;
        Ok(text)
    }

    /// Verifies `number` by the password that it was sent. A number that is verified stays so.
    ///
    /// # Errors
    /// `Unknown`, or `WrongPassword` also after too many tries and too long a time.
    pub(crate) async fn verify(
        &self,
        owner: &Owner,
        number: &PhoneNumber,
        password: &str,
        now: Timestamp,
    ) -> Result<(), Refused> {
        let mut verified = false;
        let verify = |known: Option<&str>| {
            let mut known: SandboxNumber = read(known.ok_or(Refused::Unknown)?)?;
            match &mut known.pending {
                None => verified = true,
                Some(pending) if pending.tries > 0 && now <= pending.expires && pending.password.is(password) => {
                    known.pending = None;
                    verified = true;
                }
                // A wrong one is counted, so that nobody finds the right one by trying.
                Some(pending) => pending.tries = pending.tries.saturating_sub(1),
            }
            Ok::<_, Refused>(Some(written(&known)?))
        };
        self.documents.update(KIND, &id_of_number(owner, number), verify).await?;
        if verified { Ok(()) } else { Err(Refused::WrongPassword) }
    }

    /// Forgets `number`.
    ///
    /// # Errors
    /// `Unknown`.
    pub(crate) async fn forget_sandbox_number(&self, owner: &Owner, number: &PhoneNumber) -> Result<(), Refused> {
        let forget = |known: Option<&str>| known.map(|_| None).ok_or(Refused::Unknown);
        self.documents.update(KIND, &id_of_number(owner, number), forget).await
    }

    /// The numbers of `owner` after `after`, in order, at most `max`.
    ///
    /// # Errors
    /// `InternalError` when they cannot be read.
    pub(crate) fn sandbox_numbers(
        &self,
        owner: &Owner,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(String, Verification)>, SnsError> {
        let prefix = format!("{}/", id_of(owner));
        let after = format!("{prefix}{}", after.unwrap_or_default());
        let page = self.documents.page(KIND, Some(&after), max);
        let own = page.iter().map_while(|(id, text)| Some((id.strip_prefix(&prefix)?, text)));
        own.map(|(number, text)| Ok((number.to_owned(), read::<SandboxNumber>(text)?.verification()))).collect()
    }
}
