//! The parts of a policy's document as they are written, each member by its name and no others.

use serde::Deserialize;
use serde_json::Value;

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Document {
    pub(super) name: String,
    /// For people.
    #[serde(rename = "Description")]
    pub(super) _description: Option<String>,
    pub(super) version: String,
    pub(super) statement: Vec<Statement>,
    pub(super) configuration: Option<Configuration>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Statement {
    pub(super) sid: Option<String>,
    pub(super) data_direction: String,
    pub(super) principal: Option<Vec<String>>,
    pub(super) no_principal: Option<Vec<String>>,
    pub(super) data_identifier: Vec<String>,
    pub(super) operation: Operation,
}

/// One of these is there.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Operation {
    pub(super) deny: Option<Nothing>,
    pub(super) deidentify: Option<Deidentify>,
    pub(super) audit: Option<Audit>,
}

/// `{}`.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nothing {}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Deidentify {
    pub(super) mask_config: Option<MaskConfig>,
    pub(super) redact_config: Option<Nothing>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct MaskConfig {
    pub(super) mask_with_character: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Audit {
    /// A number, or one in a text.
    pub(super) sample_rate: Value,
    pub(super) findings_destination: Option<Destination>,
    pub(super) no_findings_destination: Option<Destination>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Destination {
    pub(super) cloud_watch_logs: Option<LogGroup>,
    pub(super) firehose: Option<Value>,
    pub(super) s3: Option<Value>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct LogGroup {
    pub(super) log_group: String,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct Configuration {
    #[serde(default)]
    pub(super) custom_data_identifier: Vec<CustomDataIdentifier>,
}

#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", deny_unknown_fields)]
pub(super) struct CustomDataIdentifier {
    pub(super) name: String,
    pub(super) regex: String,
}
