//! Platform endpoints: the devices of a platform application.

use super::Api;
use super::call::Call;
use super::paging::{NextToken, PAGE_ITEMS, Page};
use super::platform_applications::Foreign;
use super::refusal::Refusal;
use crate::mobile::push::event::{Event, tell};
use crate::mobile::push::{DeviceChange, EndpointArn, Registered};
use crate::query::{Answer, Members};

impl Call<'_> {
    /// The parameter `EndpointArn`, which must name an endpoint of the caller's; whether it is there is another question.
    fn endpoint_arn(&self) -> Result<EndpointArn, Refusal> {
        const PARAMETER: &str = "EndpointArn";
        let arn = EndpointArn::parse(PARAMETER, self.required(PARAMETER)?)?;
        if arn.region() != self.caller.region() {
            return Err(Refusal::invalid_parameter(PARAMETER));
        }
        if arn.account() == self.caller.account() { Ok(arn) } else { Err(self.not_authorized(&arn)) }
    }
}

impl Api {
    pub(super) async fn create_platform_endpoint(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.application_arn(Foreign::Unknown)?;
        let directory = &self.mobile.bound().await.directory;
        let application = directory.application(&arn)?;
        let (platform, credentials) = (arn.platform(), self.mobile.settings().credentials);

        let mut asked = DeviceChange::default();
        asked.set_token(platform, call.required("Token")?, credentials)?;
        if let Some(data) = call.request.text("CustomUserData") {
            asked.set_user_data(data.to_owned())?;
        }
        // What the map says comes before what the parameters say.
        let attributes = call.request.map("Attributes").unwrap_or_default();
        asked.override_with(DeviceChange::read(platform, attributes, credentials)?);

        let endpoint = match directory.register(&arn, asked).await? {
            Registered::Known(endpoint) => endpoint,
            Registered::New(endpoint) => {
                tell(&self.fanfare, &application, &endpoint, Event::Created).await;
                endpoint
            }
        };
        Ok(Answer::with_result(call.operation, Members::new().text("EndpointArn", endpoint.as_str())))
    }

    pub(super) async fn delete_endpoint(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.endpoint_arn()?;
        let directory = &self.mobile.bound().await.directory;
        if directory.delete_device(&arn).await?
            && let Ok(application) = directory.application(&arn.application())
        {
            tell(&self.fanfare, &application, &arn, Event::Deleted).await;
        }
        Ok(Answer::without_result(call.operation))
    }

    pub(super) async fn get_endpoint_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let device = self.mobile.bound().await.directory.device(&call.endpoint_arn()?)?;
        Ok(Answer::with_result(call.operation, Members::new().map("Attributes", device.shown())))
    }

    pub(super) async fn set_endpoint_attributes(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.endpoint_arn()?;
        let directory = &self.mobile.bound().await.directory;
        directory.device(&arn)?;
        let attributes = call.required_attributes()?;
        let change = DeviceChange::read(arn.platform(), attributes, self.mobile.settings().credentials)?;
        if directory.change_device(&arn, change).await?
            && let Ok(application) = directory.application(&arn.application())
        {
            tell(&self.fanfare, &application, &arn, Event::Updated).await;
        }
        Ok(Answer::without_result(call.operation))
    }

    pub(super) async fn list_endpoints_by_platform_application(&self, call: &Call<'_>) -> Result<Answer, Refusal> {
        let arn = call.application_arn(Foreign::Unknown)?;
        let after = NextToken::read(call.request.text("NextToken").unwrap_or_default())?;
        let after = after.map(|token| token.key(|arn| EndpointArn::parse("", arn).is_ok())).transpose()?;
        let known = self.mobile.bound().await.directory.devices(&arn, after.as_deref(), PAGE_ITEMS + 1)?;
        let page = Page::of(known, |(arn, _)| NextToken::of_key(arn.as_str()));
        let endpoints = page
            .items
            .iter()
            .map(|(arn, device)| Members::new().text("EndpointArn", arn.as_str()).map("Attributes", device.shown()));
        let result = Members::new().structures("Endpoints", endpoints).optional("NextToken", page.next_token);
        Ok(Answer::with_result(call.operation, result))
    }
}
