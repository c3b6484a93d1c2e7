//! Platform applications: making them, listing them, their attributes, their end.

use std::fmt;

use fanfare::{Platform, SnsError, SnsErrorCode};

use super::Api;
use super::call::Call;
use super::paging::{NextToken, PAGE_ITEMS, Page};
use super::refusal::Refusal;
use crate::mobile::push::{Application, ApplicationArn, check_name};
use crate::query::{Answer, Members};

/// What is said to somebody who names what belongs to another account; Amazon SNS differs from operation to operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Foreign {
    /// That it is not theirs.
    Forbidden,
    /// That it is not there.
    Unknown,
}

impl Call<'_> {
    /// The parameter `PlatformApplicationArn`, which must name an application of the caller's; whether it is there is another
    /// question.
    pub(super) fn application_arn(&self, foreign: Foreign) -> Result<ApplicationArn, Refusal> {
        const PARAMETER: &str = "PlatformApplicationArn";
        let arn = ApplicationArn::parse(PARAMETER, self.required(PARAMETER)?)?;
        if arn.region() != self.caller.region() {
            return Err(Refusal::invalid_parameter(PARAMETER));
        }
        match foreign {
            _ if arn.account() == self.caller.account() => Ok(arn),
            Foreign::Forbidden => Err(self.not_authorized(&arn)),
            Foreign::Unknown => Err(SnsError::not_found("PlatformApplication").into()),
        }
    }

    /// What is said to somebody who names what is not theirs.
    pub(super) fn not_authorized(&self, resource: &impl fmt::Display) -> Refusal {
        let (operation, account, resource) = (self.operation, self.caller.account(), resource.to_string());
        let partition = resource.split(':').nth(1).unwrap_or("aws");
        let message = format!(
            "User: arn:{partition}:iam::{account}:root is not authorized to perform: SNS:{operation} on resource: {resource} \
             because no identity-based policy allows the SNS:{operation} action"
        );
        SnsError::new(SnsErrorCode::AuthorizationError, message).into()
    }

    /// The map `Attributes`, which has to be there.
    pub(super) fn required_attributes(&self) -> Result<Vec<(String, String)>, Refusal> {
        self.request.map("Attributes").ok_or_else(|| Refusal::null("attributes"))
    }
}

impl Api {
    pub(super) async fn create_platform_application(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let (name, platform) = (call.required("Name")?, call.required("Platform")?.parse::<Platform>()?);
        let attributes = call.required_attributes()?;
        check_name(name)?;
        let arn = ApplicationArn::new(call.caller.owner(), platform, name);
        let application = Application::new(&arn, attributes, self.mobile.settings().credentials)?;
        self.mobile.bound().await.directory.create(&arn, &application).await?;
        Ok(Answer::with_result(call.operation, Members::new().text("PlatformApplicationArn", arn.as_str())))
    }

    pub(super) async fn delete_platform_application(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.application_arn(Foreign::Forbidden)?;
        self.mobile.bound().await.directory.delete(&arn).await?;
        Ok(Answer::without_result(call.operation))
    }

    pub(super) async fn get_platform_application_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.application_arn(Foreign::Forbidden)?;
        let application = self.mobile.bound().await.directory.application(&arn)?;
        Ok(Answer::with_result(call.operation, Members::new().map("Attributes", application.shown())))
    }

    pub(super) async fn set_platform_application_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.application_arn(Foreign::Forbidden)?;
        let attributes = call.required_attributes()?;
        let credentials = self.mobile.settings().credentials;
        self.mobile.bound().await.directory.change(&arn, attributes, credentials).await?;
        Ok(Answer::without_result(call.operation))
    }

    pub(super) async fn list_platform_applications(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let after = NextToken::read(call.request.text("NextToken").unwrap_or_default())?;
        let after = after.map(|token| token.key(|arn| ApplicationArn::parse("", arn).is_ok())).transpose()?;
        let directory = &self.mobile.bound().await.directory;
        let known = directory.applications(call.caller.owner(), after.as_deref(), PAGE_ITEMS + 1)?;
        let page = Page::of(known, |(arn, _)| NextToken::of_key(arn.as_str()));
        let applications = page.items.iter().map(|(arn, application)| {
            Members::new().text("PlatformApplicationArn", arn.as_str()).map("Attributes", application.shown())
        });
        let result = Members::new().structures("PlatformApplications", applications);
        Ok(Answer::with_result(call.operation, result.optional("NextToken", page.next_token)))
    }
}
