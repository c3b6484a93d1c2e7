//! The programs `ffmpeg` and `ffprobe`, which do the work.

use std::ffi::OsString;
use std::io;
use std::path::Path;
use std::process::Stdio;
use std::time::Duration;

use serde_json::Value;
use tokio::io::{AsyncBufReadExt as _, AsyncReadExt as _, BufReader};
use tokio::process::{ChildStdout, Command};

use crate::bar::Bar;

/// What there is to know of a video.
#[derive(Debug)]
pub(crate) struct Video {
    pub(crate) duration: Duration,
    pub(crate) width: u64,
    pub(crate) height: u64,
    pub(crate) has_sound: bool,
}

/// Why there is no result.
#[derive(Debug)]
pub(crate) enum Failure {
    /// The file is to blame; the words are ffmpeg's.
    File(String),
    /// The programs cannot be run.
    Program(io::Error),
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::Program(error)
    }
}

/// Makes a clip without sound: the test picture that ffmpeg draws itself.
pub(crate) async fn generate_clip(path: &Path) -> io::Result<()> {
    let mut ffmpeg = command("ffmpeg");
    ffmpeg.args(["-y", "-f", "lavfi", "-i", "testsrc=size=640x360:rate=25:duration=4", "-c:v", "mpeg4"]).arg(url(path));
    let output = output(ffmpeg).await?;
    let words = String::from_utf8_lossy(&output.stderr);
    if output.status.success() { Ok(()) } else { Err(io::Error::other(format!("no clip was made: {words}"))) }
}

/// Looks at a video.
pub(crate) async fn probe(path: &Path) -> Result<Video, Failure> {
    let mut ffprobe = command("ffprobe");
    let wanted = "format=duration:stream=codec_type,width,height";
    ffprobe.args(["-show_entries", wanted, "-of", "json"]).arg(url(path));
    let output = output(ffprobe).await?;
    if !output.status.success() {
        return Err(Failure::File(last_line(&output.stderr)));
    }
    let found: Value = serde_json::from_slice(&output.stdout).map_err(io::Error::from)?;
    read(&found).ok_or_else(|| Failure::File("there is no video in it".to_owned()))
}

fn read(found: &Value) -> Option<Video> {
    let seconds: f64 = found["format"]["duration"].as_str()?.parse().ok()?;
    let streams = found["streams"].as_array()?;
    let picture = streams.iter().find(|stream| stream["codec_type"] == "video")?;
    Some(Video {
        duration: Duration::try_from_secs_f64(seconds).ok()?,
        width: picture["width"].as_u64()?,
        height: picture["height"].as_u64()?,
        has_sound: streams.iter().any(|stream| stream["codec_type"] == "audio"),
    })
}

/// Makes an MP4 file of 720 lines out of `input`, and moves `bar`.
pub(crate) async fn transcode(input: &Path, output: &Path, mut bar: Bar) -> Result<(), Failure> {
    let mut ffmpeg = command("ffmpeg");
    // It tells its progress on standard output, as lines of `key=value`.
    ffmpeg.args(["-y", "-nostdin", "-progress", "pipe:1", "-stats_period", "0.1", "-i"]).arg(url(input));
    ffmpeg.args(["-vf", "scale=-2:720", "-pix_fmt", "yuv420p", "-c:v", "libx264", "-preset", "veryfast"]);
    ffmpeg.args(["-c:a", "aac"]).arg(url(output));
    let mut child = ffmpeg.spawn().map_err(|error| missing("ffmpeg", &error))?;
    let (stdout, stderr) = (child.stdout.take(), child.stderr.take());
    let mut words = Vec::new();
    let told = async {
        match stdout {
            Some(stdout) => follow(stdout, &mut bar).await,
            None => Ok(()),
        }
    };
    let said = async {
        match stderr {
            Some(mut stderr) => stderr.read_to_end(&mut words).await.map(drop),
            None => Ok(()),
        }
    };
    tokio::try_join!(told, said)?;
    if !child.wait().await?.success() {
        return Err(Failure::File(last_line(&words)));
    }
    bar.finish();
    Ok(())
}

/// Moves `bar` by what ffmpeg tells.
async fn follow(stdout: ChildStdout, bar: &mut Bar) -> io::Result<()> {
    let mut lines = BufReader::new(stdout).lines();
    while let Some(line) = lines.next_line().await? {
        // Before the first picture there is no number, or one below zero.
        if let Some(position_us) = line.strip_prefix("out_time_us=").and_then(|number| number.parse().ok()) {
            bar.advance(Duration::from_micros(position_us));
        }
    }
    Ok(())
}

/// One that says nothing but errors, and ends when nobody waits for it.
fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    command.args(["-v", "error"]).kill_on_drop(true);
    command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
    command
}

async fn output(mut command: Command) -> io::Result<std::process::Output> {
    let program = command.as_std().get_program().to_string_lossy().into_owned();
    command.output().await.map_err(|error| missing(&program, &error))
}

fn missing(program: &str, error: &io::Error) -> io::Error {
    io::Error::new(error.kind(), format!("{program} cannot be started, is it installed? {error}"))
}

/// A path as ffmpeg takes it for nothing but a file, whatever it looks like.
fn url(path: &Path) -> OsString {
    let mut url = OsString::from("file:");
    url.push(path);
    url
}

fn last_line(words: &[u8]) -> String {
    let words = String::from_utf8_lossy(words);
    words.lines().rfind(|line| !line.trim().is_empty()).unwrap_or("it says nothing").to_owned()
}
