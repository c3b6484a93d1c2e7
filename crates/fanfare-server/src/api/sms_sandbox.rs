//! The SMS sandbox: verifying the numbers that an account may write to.

use fanfare::sms::PhoneNumber;
use fanfare::{Message, Protocol};

use super::Api;
use super::call::Call;
use super::paging::{NextToken, PAGE_ITEMS, Page};
use super::refusal::Refusal;
use super::sms::after_number;
use crate::mobile::Sandbox;
use crate::mobile::sms::{Language, Refused, read_number};
use crate::query::{Answer, Members};

impl From<Refused> for Refusal {
    fn from(refused: Refused) -> Self {
        match refused {
            Refused::Unknown => Self::new("ResourceNotFound", 404, "Resource does not exist"),
            Refused::Rule(message) => Self::new("UserError", 400, message),
            Refused::WrongPassword => Self::new("VerificationException", 400, "The one-time password is not valid"),
            Refused::Other(error) => error.into(),
        }
    }
}

impl Call<'_> {
    fn sandbox_number(&self) -> Result<PhoneNumber, Refusal> {
        Ok(read_number(self.required("PhoneNumber")?)?)
    }
}

impl Api {
    pub(super) fn get_sms_sandbox_account_status(&self, call: &Call<'_>) -> Answer {
        let is_in_sandbox = self.mobile.settings().sandbox == Sandbox::On;
        Answer::with_result(call.operation, Members::new().boolean("IsInSandbox", is_in_sandbox))
    }

    pub(super) async fn create_sms_sandbox_phone_number(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let number = call.sandbox_number()?;
        let language = match call.request.text("LanguageCode") {
            None => Language::default(),
            Some(code) => Language::parse(code).ok_or_else(|| Refusal::invalid_parameter("LanguageCode"))?,
        };
        let owner = call.caller.owner();
        let phones = &self.mobile.bound().await.phones;
        if phones.is_opted_out(owner, &number) {
            return Err(opted_out());
        }
        self.check_delivers(&Protocol::Sms, "PhoneNumber")?;
        let text = phones.begin_verification(owner, &number, language, self.fanfare.now()).await?;
        self.fanfare.publish_to(owner, &Protocol::Sms, number.as_str(), Message::text(text)?).await?;
        Ok(Answer::with_result(call.operation, Members::new()))
    }

    pub(super) async fn verify_sms_sandbox_phone_number(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let (number, password) = (call.sandbox_number()?, call.required("OneTimePassword")?);
        if !(5..=8).contains(&password.len()) || !password.bytes().all(|b| b.is_ascii_digit()) {
            return Err(Refusal::invalid_parameter("OneTimePassword Reason: must be 5 to 8 digits"));
        }
        let phones = &self.mobile.bound().await.phones;
        phones.verify(call.caller.owner(), &number, password, self.fanfare.now()).await?;
        Ok(Answer::with_result(call.operation, Members::new()))
    }

    pub(super) async fn delete_sms_sandbox_phone_number(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let number = call.sandbox_number()?;
        self.mobile.bound().await.phones.forget_sandbox_number(call.caller.owner(), &number).await?;
        Ok(Answer::with_result(call.operation, Members::new()))
    }

    pub(super) async fn list_sms_sandbox_phone_numbers(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let max = call.max_results(PAGE_ITEMS)?;
        let after = after_number(call.request.text("NextToken"))?;
        let phones = &self.mobile.bound().await.phones;
        let known = phones.sandbox_numbers(call.caller.owner(), after.as_deref(), max + 1)?;
        let page = Page::of_at_most(max, known, |(number, _)| NextToken::of_key(number));
        let numbers = page.items.iter().map(|(number, verification)| {
            Members::new().text("PhoneNumber", number).text("Status", verification.as_str())
        });
        let result = Members::new().structures("PhoneNumbers", numbers).optional("NextToken", page.next_token);
        Ok(Answer::with_result(call.operation, result))
    }
}

/// What is said to somebody who writes to a number whose owner wants no messages.
pub(super) fn opted_out() -> Refusal {
    Refusal::new("OptedOut", 400, "Phone number is opted out")
}
