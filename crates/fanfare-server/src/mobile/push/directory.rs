//! The platform applications and endpoints of an engine.

use std::collections::HashMap;
use std::sync::Arc;

use fanfare::{Documents, Owner, SnsError, SnsErrorCode};
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::{MappedMutexGuard, Mutex, MutexGuard};

use super::{Application, ApplicationArn, Device, DeviceChange, EndpointArn};
use crate::mobile::settings::Credentials;

/// The kinds of the documents that they are kept as; ids are ARNs.
const APPLICATIONS: &str = "platform-application";
const ENDPOINTS: &str = "platform-endpoint";

/// How many documents are read at a time where all are read.
const AT_A_TIME: usize = 1000;

/// The platform applications and endpoints of an engine, which keeps them as documents.
#[derive(Debug)]
pub(crate) struct Directory {
    documents: Documents,
    /// Which endpoint has a token, by application; read from the documents on first use. Held by whoever changes what tokens
    /// there are, from the look to the moment when the change is kept.
    tokens: Mutex<Option<Tokens>>,
}

type Tokens = HashMap<ApplicationArn, HashMap<String, EndpointArn>>;

/// What a request for an endpoint came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Registered {
    New(EndpointArn),
    Known(EndpointArn),
}

impl Directory {
    /// The applications and endpoints that `documents` hold.
    pub(crate) fn new(documents: Documents) -> Self {
        Self { documents, tokens: Mutex::default() }
    }

    /// The application of that ARN.
    ///
    /// # Errors
    /// `NotFound`.
    pub(crate) fn application(&self, arn: &ApplicationArn) -> Result<Application, SnsError> {
        let text = self.documents.text(APPLICATIONS, arn.as_str());
        read(&text.ok_or_else(|| SnsError::not_found("PlatformApplication"))?)
    }

    /// The endpoint of that ARN. It goes with its application.
    ///
    /// # Errors
    /// `NotFound`.
    pub(crate) fn device(&self, arn: &EndpointArn) -> Result<Device, SnsError> {
        let text = self.documents.text(ENDPOINTS, arn.as_str());
        let text = text.filter(|_| self.documents.text(APPLICATIONS, arn.application().as_str()).is_some());
        read(&text.ok_or_else(|| SnsError::not_found("Endpoint"))?)
    }

    /// The owner's applications after the ARN `after`, by ARN, at most `max`.
    pub(crate) fn applications(
        &self,
        owner: &Owner,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(ApplicationArn, Application)>, SnsError> {
        let page = self.page(APPLICATIONS, &ApplicationArn::prefix(owner), after, max);
        page.into_iter().map(|(id, text)| Ok((ApplicationArn::parse("ApplicationArn", &id)?, read(&text)?))).collect()
    }

    /// The application's endpoints after the ARN `after`, by ARN, at most `max`.
    ///
    /// # Errors
    /// `NotFound`.
    pub(crate) fn devices(
        &self,
        application: &ApplicationArn,
        after: Option<&str>,
        max: usize,
    ) -> Result<Vec<(EndpointArn, Device)>, SnsError> {
        self.application(application)?;
        let page = self.page(ENDPOINTS, &application.endpoints(), after, max);
        page.into_iter().map(|(id, text)| Ok((EndpointArn::parse("EndpointArn", &id)?, read(&text)?))).collect()
    }

    /// Makes an application, or finds the one that is there if it is the same.
    ///
    /// # Errors
    /// `InvalidParameter` when it is there with other attributes.
    pub(crate) async fn create(&self, arn: &ApplicationArn, application: &Application) -> Result<(), SnsError> {
        let mut tokens = self.tokens().await?;
        if let Ok(known) = self.application(arn) {
            if known != *application {
                return Err(SnsError::invalid_parameter(
                    "Attributes Reason: Platform application already exists with different attributes",
                ));
            }
            return Ok(());
        }
        // Whoever deleted the one before may not have come to the end.
        self.forget_devices(arn, &mut tokens).await?;
        let text = written(application)?;
        self.documents.update(APPLICATIONS, arn.as_str(), |_| Ok(Some(text))).await
    }

    /// Gives an application other attributes.
    ///
    /// # Errors
    /// `NotFound`; `InvalidParameter` for attributes that it cannot have.
    pub(crate) async fn change(
        &self,
        arn: &ApplicationArn,
        attributes: Vec<(String, String)>,
        credentials: Credentials,
    ) -> Result<(), SnsError> {
        let change = |known: Option<&str>| {
            let known: Application = read(known.ok_or_else(|| SnsError::not_found("PlatformApplication"))?)?;
            written(&known.changed(arn, attributes, credentials)?).map(Some)
        };
        self.documents.update(APPLICATIONS, arn.as_str(), change).await
    }

    /// Forgets an application, and with it its endpoints. An unknown one is no error.
    pub(crate) async fn delete(&self, arn: &ApplicationArn) -> Result<(), SnsError> {
        let mut tokens = self.tokens().await?;
        // The application first: without it, nobody reaches its endpoints any more.
        self.documents.update(APPLICATIONS, arn.as_str(), |_| Ok::<_, SnsError>(None)).await?;
        self.forget_devices(arn, &mut tokens).await
    }

    /// Makes an endpoint for the token that `asked` names, or finds the one that is there if it is what is asked for.
    ///
    /// # Errors
    /// `NotFound` for the application; `InvalidParameter` with the ARN of the endpoint that has the token and is different.
    pub(crate) async fn register(
        &self,
        application: &ApplicationArn,
        asked: DeviceChange,
    ) -> Result<Registered, SnsError> {
        let mut tokens = self.tokens().await?;
        self.application(application)?;
        let token = asked.token.clone().ok_or_else(|| SnsError::invalid_parameter("Token Reason: cannot be empty"))?;
        let of_application = tokens.entry(application.clone()).or_default();
        if let Some(known) = of_application.get(&token) {
            let same = asked.is_met_by(&self.device(known)?);
            return if same { Ok(Registered::Known(known.clone())) } else { Err(taken(known)) };
        }
        let endpoint = application.endpoint(&uuid::Uuid::new_v4().to_string());
        let mut device = Device { token: token.clone(), enabled: true, user_data: String::new() };
        device.set(asked);
        let text = written(&device)?;
        self.documents.update(ENDPOINTS, endpoint.as_str(), |_| Ok::<_, SnsError>(Some(text))).await?;
        of_application.insert(token, endpoint.clone());
        Ok(Registered::New(endpoint))
    }

    /// Changes an endpoint. Answers whether that made a difference.
    ///
    /// # Errors
    /// `NotFound`; `InvalidParameter` when another endpoint of the application has the token.
    pub(crate) async fn change_device(&self, arn: &EndpointArn, asked: DeviceChange) -> Result<bool, SnsError> {
        let mut tokens = self.tokens().await?;
        let before = self.device(arn)?;
        let of_application = tokens.entry(arn.application()).or_default();
        let other = asked.token.as_ref().and_then(|token| of_application.get(token)).filter(|known| *known != arn);
        if let Some(other) = other {
            return Err(taken(other));
        }
        let token = asked.token.clone();
        let changed = self.update_device(arn, |device| device.set(asked)).await?;
        if let Some(token) = token {
            of_application.remove(&before.token);
            of_application.insert(token, arn.clone());
        }
        Ok(changed)
    }

    /// Turns an endpoint off, whose token the push service does not know any more. Answers whether it was on.
    ///
    /// # Errors
    /// `NotFound`.
    pub(crate) async fn turn_off(&self, arn: &EndpointArn) -> Result<bool, SnsError> {
        self.update_device(arn, |device| device.enabled = false).await
    }

    /// Forgets an endpoint and answers whether there was one. An unknown one is no error.
    pub(crate) async fn delete_device(&self, arn: &EndpointArn) -> Result<bool, SnsError> {
        let mut tokens = self.tokens().await?;
        let Ok(device) = self.device(arn) else { return Ok(false) };
        self.documents.update(ENDPOINTS, arn.as_str(), |_| Ok::<_, SnsError>(None)).await?;
        if let Some(of_application) = tokens.get_mut(&arn.application()) {
            of_application.remove(&device.token);
        }
        Ok(true)
    }

    async fn update_device(&self, arn: &EndpointArn, change: impl FnOnce(&mut Device)) -> Result<bool, SnsError> {
        let mut changed = false;
        let change = |known: Option<&str>| {
            let known: Device = read(known.ok_or_else(|| SnsError::not_found("Endpoint"))?)?;
            let mut device = known.clone();
            change(&mut device);
            changed = device != known;
            written(&device).map(Some)
        };
        self.documents.update(ENDPOINTS, arn.as_str(), change).await?;
        Ok(changed)
    }

    async fn forget_devices(&self, application: &ApplicationArn, tokens: &mut Tokens) -> Result<(), SnsError> {
        tokens.remove(application);
        loop {
            let page = self.page(ENDPOINTS, &application.endpoints(), None, AT_A_TIME);
            if page.is_empty() {
                return Ok(());
            }
            for (id, _) in page {
                self.documents.update(ENDPOINTS, &id, |_| Ok::<_, SnsError>(None)).await?;
            }
        }
    }

    /// Which endpoint has which token.
    async fn tokens(&self) -> Result<MappedMutexGuard<'_, Tokens>, SnsError> {
        let mut tokens = self.tokens.lock().await;
        if tokens.is_none() {
            *tokens = Some(self.read_tokens()?);
        }
        Ok(MutexGuard::map(tokens, |tokens| tokens.as_mut().expect("they were just read")))
    }

    fn read_tokens(&self) -> Result<Tokens, SnsError> {
        let mut tokens = Tokens::new();
        let mut after = None;
        loop {
            let page = self.documents.page(ENDPOINTS, after.as_deref(), AT_A_TIME);
            let Some((last, _)) = page.last() else { return Ok(tokens) };
            after = Some(last.clone());
            for (id, text) in &page {
                let (arn, device) = (EndpointArn::parse("EndpointArn", id)?, read::<Device>(text)?);
                tokens.entry(arn.application()).or_default().insert(device.token, arn);
            }
        }
    }

    /// Documents whose ids begin with `prefix`, after the id `after`.
    fn page(&self, kind: &str, prefix: &str, after: Option<&str>, max: usize) -> Vec<(Arc<str>, Arc<str>)> {
        let after = after.filter(|after| after.starts_with(prefix)).unwrap_or(prefix);
        let mut page = self.documents.page(kind, Some(after), max);
        page.retain(|(id, _)| id.starts_with(prefix));
        page
    }
}

fn taken(endpoint: &EndpointArn) -> SnsError {
    SnsError::invalid_parameter(format_args!(
        "Token Reason: Endpoint {endpoint} already exists with the same Token, but different attributes."
    ))
}

fn read<T: DeserializeOwned>(text: &str) -> Result<T, SnsError> {
    // What a document holds may be a credential, so the error does not quote it.
    serde_json::from_str(text).map_err(|_| SnsError::new(SnsErrorCode::InternalError, "a record cannot be read"))
}

fn written(record: &impl Serialize) -> Result<String, SnsError> {
    serde_json::to_string(record).map_err(|_| SnsError::new(SnsErrorCode::InternalError, "a record cannot be written"))
}
