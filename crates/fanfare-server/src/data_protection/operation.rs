//! What a statement does about what it finds.

use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;

use super::document::{self, Destination};
use super::error::DataProtectionError;

#[derive(Debug)]
pub(super) enum Operation {
    Deny,
    Deidentify(Replacement),
    Audit(Audit),
}

/// What takes the place of what was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Replacement {
    /// This character, for each.
    Mask(char),
    Nothing,
}

#[derive(Debug)]
pub(super) struct Audit {
    /// Percent.
    sample_rate: u64,
    /// Where findings go, and where goes that there are none: log groups.
    pub(super) findings: Option<String>,
    pub(super) no_findings: Option<String>,
    looked_at: AtomicU64,
}

/// How a log group's name begins.
const LOG_GROUP_PREFIX: &str = "/aws/vendedlogs/";

/// The greatest sample rate, in percent.
const SAMPLE_RATE_MAX: u64 = 99;

/// What masks when no character is named.
const MASK: char = '*';

impl Operation {
    pub(super) fn parse(written: document::Operation) -> Result<Self, DataProtectionError> {
        match written {
            document::Operation { deny: Some(_), deidentify: None, audit: None } => Ok(Self::Deny),
            document::Operation { deny: None, deidentify: Some(written), audit: None } => {
                Replacement::parse(written).map(Self::Deidentify)
            }
            document::Operation { deny: None, deidentify: None, audit: Some(written) } => {
                Audit::parse(written).map(Self::Audit)
            }
            _ => Err(DataProtectionError::new("an Operation must have one of Deny, Deidentify and Audit")),
        }
    }
}

impl Replacement {
    fn parse(written: document::Deidentify) -> Result<Self, DataProtectionError> {
        match (written.mask_config, written.redact_config) {
            (None, Some(_)) => Ok(Self::Nothing),
            (Some(config), None) => {
                let text = config.mask_with_character.unwrap_or_else(|| MASK.to_string());
                let mut characters = text.chars();
                match (characters.next(), characters.next()) {
                    (Some(mask @ ' '..='~'), None) => Ok(Self::Mask(mask)),
                    _ => Err(DataProtectionError::new("MaskWithCharacter must be one printable ASCII character")),
                }
            }
            _ => Err(DataProtectionError::new("a Deidentify must have one of MaskConfig and RedactConfig")),
        }
    }
}

impl Audit {
    fn parse(written: document::Audit) -> Result<Self, DataProtectionError> {
        let sample_rate = match &written.sample_rate {
            Value::String(text) => text.parse().ok(),
            Value::Number(number) => number.as_u64(),
            _ => None,
        };
        let sample_rate = sample_rate.filter(|rate| *rate <= SAMPLE_RATE_MAX).ok_or_else(|| {
            DataProtectionError::new(format!("SampleRate must be a whole number from 0 to {SAMPLE_RATE_MAX}"))
        })?;
        let findings = written.findings_destination.map(log_group).transpose()?;
        let no_findings = written.no_findings_destination.map(log_group).transpose()?;
        if findings.is_none() && no_findings.is_none() {
            return Err(DataProtectionError::new(
                "an Audit must have a FindingsDestination or a NoFindingsDestination",
            ));
        }
        Ok(Self { sample_rate, findings, no_findings, looked_at: AtomicU64::new(0) })
    }

    /// Whether this message is one of the sample: of a hundred in a row, as many as the rate says, evenly spread.
    pub(super) fn samples(&self) -> bool {
        let number = u128::from(self.looked_at.fetch_add(1, Ordering::Relaxed));
        let rate = u128::from(self.sample_rate);
        ((number + 1) * rate).div_ceil(100) > (number * rate).div_ceil(100)
    }
}

fn log_group(destination: Destination) -> Result<String, DataProtectionError> {
    if destination.firehose.is_some() || destination.s3.is_some() {
        return Err(DataProtectionError::new(
            "an Audit here has CloudWatchLogs destinations alone: findings go to this server's log, not to S3 or Firehose",
        ));
    }
    let group = destination.cloud_watch_logs.ok_or_else(|| DataProtectionError::new("a destination is empty"))?;
    if group.log_group.len() <= LOG_GROUP_PREFIX.len() || !group.log_group.starts_with(LOG_GROUP_PREFIX) {
        return Err(DataProtectionError::new(format!("a LogGroup's name must begin with {LOG_GROUP_PREFIX}")));
    }
    Ok(group.log_group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sample_is_as_large_as_it_should_be_and_evenly_spread() {
        for (rate, expected) in [(0, 0), (1, 1), (25, 25), (50, 50), (99, 99)] {
            let audit = Audit { sample_rate: rate, findings: None, no_findings: None, looked_at: AtomicU64::new(0) };
            let sampled: Vec<bool> = (0..100).map(|_| audit.samples()).collect();
            assert_eq!(sampled.iter().filter(|sampled| **sampled).count(), expected, "{rate}");
            assert_eq!(sampled[0], rate > 0);
        }
    }
}
