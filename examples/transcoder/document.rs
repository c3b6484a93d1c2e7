//! Notifications in the shape in which Elastic Transcoder publishes them.

use std::path::{Path, PathBuf};

use serde::Serialize;

use crate::ffmpeg::Video;

/// Elastic Transcoder's name of its preset for 720 lines.
const PRESET: &str = "1351620000001-000010";
/// Its code for files that it cannot read.
const UNREADABLE: u32 = 4000;

/// What a job has come to. Each state is published to a topic of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "UPPERCASE")]
pub(crate) enum State {
    Progressing,
    Warning,
    Completed,
    Error,
}

impl State {
    pub(crate) const ALL: [Self; 4] = [Self::Progressing, Self::Warning, Self::Completed, Self::Error];

    pub(crate) fn as_str(self) -> &'static str {
        match self {
            Self::Progressing => "PROGRESSING",
            Self::Warning => "WARNING",
            Self::Completed => "COMPLETED",
            Self::Error => "ERROR",
        }
    }
}

/// A video to transcode, and where the result goes.
#[derive(Debug)]
pub(crate) struct Job {
    pub(crate) id: String,
    pipeline_id: String,
    pub(crate) input: PathBuf,
    output_key_prefix: String,
}

impl Job {
    pub(crate) fn new(id: String, pipeline_id: &str, input: &Path) -> Self {
        let name = input.file_stem().unwrap_or_default().to_string_lossy();
        let output_key_prefix = format!("renditions/{name}/");
        Self { id, pipeline_id: pipeline_id.to_owned(), input: input.to_owned(), output_key_prefix }
    }

    /// Where the result lies below the folder of outputs.
    pub(crate) fn output_key(&self) -> String {
        format!("{}{}", self.output_key_prefix, Output::KEY)
    }

    pub(crate) fn progressing(&self) -> Document {
        self.document(State::Progressing, Output::new("Progressing"))
    }

    pub(crate) fn warning(&self, words: &str) -> Document {
        let mut document = self.document(State::Warning, Output::new("Progressing"));
        document.message_details = Some(words.to_owned());
        document
    }

    pub(crate) fn completed(&self, result: &Video) -> Document {
        let mut output = Output::new("Complete");
        // Whole seconds, a started one counted.
        output.duration = Some(result.duration.as_millis().div_ceil(1000));
        (output.width, output.height) = (Some(result.width), Some(result.height));
        self.document(State::Completed, output)
    }

    pub(crate) fn error(&self, words: &str) -> Document {
        let words = format!("{UNREADABLE} {}: The media file could not be transcoded: {words}", self.id);
        let mut output = Output::new("Error");
        (output.status_detail, output.error_code) = (Some(words.clone()), Some(UNREADABLE));
        let mut document = self.document(State::Error, output);
        (document.error_code, document.message_details) = (Some(UNREADABLE), Some(words));
        document
    }

    fn document(&self, state: State, output: Output) -> Document {
        Document {
            state,
            error_code: None,
            message_details: None,
            version: "2012-09-25",
            job_id: self.id.clone(),
            pipeline_id: self.pipeline_id.clone(),
            input: Input::new(&self.input),
            input_count: 1,
            output_key_prefix: self.output_key_prefix.clone(),
            outputs: [output],
        }
    }
}

/// The text of a notification.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Document {
    pub(crate) state: State,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message_details: Option<String>,
    version: &'static str,
    job_id: String,
    pipeline_id: String,
    input: Input,
    input_count: u32,
    output_key_prefix: String,
    outputs: [Output; 1],
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Input {
    key: String,
    frame_rate: &'static str,
    resolution: &'static str,
    aspect_ratio: &'static str,
    interlaced: &'static str,
    container: &'static str,
}

impl Input {
    /// ffmpeg finds out about the rest by itself.
    fn new(path: &Path) -> Self {
        let auto = "auto";
        let key = path.display().to_string();
        Self { key, frame_rate: auto, resolution: auto, aspect_ratio: auto, interlaced: auto, container: auto }
    }
}

#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Output {
    id: &'static str,
    preset_id: &'static str,
    key: &'static str,
    thumbnail_pattern: &'static str,
    status: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    status_detail: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error_code: Option<u32>,
    #[serde(skip_serializing_if = "Option::is_none")]
    duration: Option<u128>,
    #[serde(skip_serializing_if = "Option::is_none")]
    width: Option<u64>,
    #[serde(skip_serializing_if = "Option::is_none")]
    height: Option<u64>,
}

impl Output {
    const KEY: &'static str = "720p.mp4";

    fn new(status: &'static str) -> Self {
        Self {
            id: "1",
            preset_id: PRESET,
            key: Self::KEY,
            thumbnail_pattern: "thumbs/{count}",
            status,
            status_detail: None,
            error_code: None,
            duration: None,
            width: None,
            height: None,
        }
    }
}
