//! What an account says about its text messages, and who wants none of them.

use super::Api;
use super::call::Call;
use super::paging::{NextToken, PAGE_ITEMS, Page};
use super::refusal::Refusal;
use crate::mobile::sms::read_number;
use crate::query::{Answer, Members};

/// How many origination numbers Amazon SNS answers at a time.
const ORIGINATION_NUMBERS_MAX: usize = 30;

impl Call<'_> {
    /// The number of items that `MaxResults` asks for, from 1 to `most`; `most` when it is left out.
    pub(super) fn max_results(&self, most: usize) -> Result<usize, Refusal> {
        let Some(asked) = self.request.integer("MaxResults")? else { return Ok(most) };
        let right = usize::try_from(asked).ok().filter(|asked| (1..=most).contains(asked));
        right.ok_or_else(|| {
            let bound = if asked < 1 { "greater than or equal to 1".to_owned() } else { format!("less than or equal to {most}") };
            let message = format!(
                "1 validation error detected: Value '{asked}' at 'maxResults' failed to satisfy constraint: Member must have \
                 value {bound}"
            );
            Refusal::new("ValidationError", 400, message)
        })
    }
}

impl Api {
    pub(super) async fn set_sms_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let attributes = call.request.map("attributes").ok_or_else(|| Refusal::null("attributes"))?;
        self.mobile.bound().await.phones.set_attributes(call.caller.owner(), attributes).await?;
        Ok(Answer::with_result(call.operation, Members::new()))
    }

    pub(super) async fn get_sms_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let known = self.mobile.bound().await.phones.attributes(call.caller.owner())?;
        let names = call.request.list("attributes");
        Ok(Answer::with_result(call.operation, Members::new().map("attributes", known.shown(&names))))
    }

    pub(super) async fn check_if_phone_number_is_opted_out(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let number = read_number(call.required("phoneNumber")?)?;
        let opted_out = self.mobile.bound().await.phones.is_opted_out(call.caller.owner(), &number);
        Ok(Answer::with_result(call.operation, Members::new().boolean("isOptedOut", opted_out)))
    }

    pub(super) async fn list_phone_numbers_opted_out(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let after = after_number(call.request.text("nextToken"))?;
        let phones = &self.mobile.bound().await.phones;
        let known = phones.opted_out(call.caller.owner(), after.as_deref(), PAGE_ITEMS + 1);
        let page = Page::of(known, |number| NextToken::of_key(number));
        let result = Members::new().list("phoneNumbers", page.items).optional("nextToken", page.next_token);
        Ok(Answer::with_result(call.operation, result))
    }

    pub(super) async fn opt_in_phone_number(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let number = read_number(call.required("phoneNumber")?)?;
        let phones = &self.mobile.bound().await.phones;
        phones.opt_in(call.caller.owner(), &number, self.fanfare.now()).await?;
        Ok(Answer::with_result(call.operation, Members::new()))
    }

    pub(super) fn list_origination_numbers(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let max = call.max_results(ORIGINATION_NUMBERS_MAX)?;
        let after = after_number(call.request.text("NextToken"))?;
        let mut known: Vec<_> = self.mobile.settings().origination_numbers.iter().collect();
        known.sort_unstable_by_key(|number| number.number());
        known.retain(|number| after.as_deref().is_none_or(|after| number.number() > after));
        let page = Page::of_at_most(max, known, |number| NextToken::of_key(number.number()));
        let numbers = page.items.iter().map(|number| {
            Members::new()
                .text("PhoneNumber", number.number())
                .text("Status", "ACTIVE")
                .text("Iso2CountryCode", number.country())
                .text("RouteType", "Transactional")
                .list("NumberCapabilities", ["SMS"])
        });
        let result = Members::new().optional("NextToken", page.next_token).structures("PhoneNumbers", numbers);
        Ok(Answer::with_result(call.operation, result))
    }
}

/// The number after which a list goes on.
pub(super) fn after_number(token: Option<&str>) -> Result<Option<String>, Refusal> {
    let token = NextToken::read(token.unwrap_or_default())?;
    token.map(|token| token.key(|number| read_number(number).is_ok())).transpose()
}
