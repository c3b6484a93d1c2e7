//! The transcoder among the examples, with a queue, a function and an operator that are not its own.
#![allow(clippy::unwrap_used, reason = "a test that cannot go on fails")]

#[allow(dead_code, reason = "each test program uses its part")]
#[path = "live/aws_server.rs"]
mod aws_server;
#[allow(dead_code, reason = "each test program uses its part")]
#[path = "live/lambda_watch.rs"]
mod lambda_watch;
#[allow(dead_code, reason = "each test program uses its part")]
#[path = "live/queue.rs"]
mod queue;

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use fanfare_testkit::SmtpReceiver;
use serde_json::{Value, json};
use tokio::process::Command;

use aws_server::{AwsServer, Kind};
use lambda_watch::LambdaWatch;
use queue::Queue;

/// How long something may take that should happen.
const PATIENCE: Duration = Duration::from_secs(120);
const HISTORY: Queue = Queue("transcoder-history");
const FUNCTION: &str = "arn:aws:lambda:us-east-1:123456789012:function:thumbnails";
const OPERATOR: &str = "operator@example.org";

/// A folder for what is made, gone when it is dropped.
struct Folder(PathBuf);

impl Folder {
    fn new(name: &str) -> Self {
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        // What stays is in the target folder.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

fn transcoder(folder: &Folder) -> Command {
    let mut program = Command::new(env!("CARGO_BIN_EXE_fanfare-transcoder"));
    program.arg("--output").arg(&folder.0).kill_on_drop(true);
    program
}

async fn ended_well(mut program: Command) -> Output {
    let output = tokio::time::timeout(PATIENCE, program.output()).await.expect("the program ends").unwrap();
    let (stdout, stderr) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert!(output.status.success(), "{}: {stdout}\n{stderr}", output.status);
    output
}

/// Codec, width and height of the picture in a file.
async fn picture(path: &Path) -> Value {
    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "stream=codec_name,width,height", "-of", "json"]);
    let output = ended_well({
        ffprobe.arg(path);
        ffprobe
    });
    serde_json::from_slice::<Value>(&output.await.stdout).unwrap()["streams"][0].take()
}

/// The percentages that the bar showed, in their order.
fn percentages(output: &Output) -> Vec<u32> {
    let drawn = String::from_utf8_lossy(&output.stderr).into_owned();
    let bars = drawn.split('\r').filter(|bar| bar.contains('['));
    bars.map(|bar| bar.trim().strip_suffix(" %").unwrap().rsplit(' ').next().unwrap().parse().unwrap()).collect()
}

fn names(value: &Value) -> BTreeSet<&str> {
    value.as_object().unwrap().keys().map(String::as_str).collect()
}

/// Claims that `document` has what the document of Elastic Transcoder in `example` has.
fn has_the_shape_of(document: &Value, example: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../examples/events").join(example);
    let example: Value = serde_json::from_slice(&std::fs::read(path).unwrap()).unwrap();
    for part in ["", "/input", "/outputs/0"] {
        let (found, wanted) = (names(document.pointer(part).unwrap()), names(example.pointer(part).unwrap()));
        assert!(found.is_superset(&wanted), "{part}: {found:?} lacks some of {wanted:?}");
    }
}

#[tokio::test]
#[ignore = "needs ffmpeg, moto and cargo-lambda from PyPI"]
async fn jobs_pass_from_the_transcoder_to_a_queue_a_function_and_an_operator() {
    let folder = Folder::new("transcoder");
    let queues = AwsServer::start(Kind::Moto, vec![HISTORY.made()]).await;
    let function = env!("CARGO_BIN_EXE_fanfare-transcoder-thumbnails");
    let functions = LambdaWatch::start_program("thumbnails", function, vec![("OUTPUT", folder.0.clone())]).await;
    let mailbox = SmtpReceiver::start().await;

    let mut program = transcoder(&folder);
    program.args(["--queue", &HISTORY.arn(queues.kind())]);
    program.args(["--function", FUNCTION, "--function-names", "plain"]);
    program.args(["--relay", &format!("smtp://{}?starttls=off", mailbox.addr()), "--operator", OPERATOR]);
    program.env("AWS_ENDPOINT_URL_SQS", queues.url()).env("AWS_ENDPOINT_URL_LAMBDA", functions.url());
    program.env("AWS_ACCESS_KEY_ID", "test").env("AWS_SECRET_ACCESS_KEY", "test");
    let output = ended_well(program).await;

    let percentages = percentages(&output);
    assert!(percentages.is_sorted() && percentages.len() > 2, "{percentages:?}");
    assert_eq!((percentages.first(), percentages.last()), (Some(&0), Some(&100)));

    // Topics deliver apart from each other. The time of publishing tells the order, and where that is the same millisecond,
    // the way that every job goes: the second one begins when the first one has ended.
    let mut history: Vec<_> = HISTORY.consume(&queues, 5).await.iter().map(queue::Consumed::envelope).collect();
    HISTORY.is_empty(&queues).await;
    let text = |envelope: &Value| serde_json::from_str::<Value>(envelope["Message"].as_str().unwrap()).unwrap();
    history.sort_by_key(|envelope| {
        let document = text(envelope);
        let is_second = document["input"]["key"].as_str().unwrap().ends_with(".txt");
        let way = ["PROGRESSING", "WARNING", "COMPLETED", "ERROR"];
        let step = way.iter().position(|state| *state == document["state"]);
        (envelope["Timestamp"].as_str().unwrap().to_owned(), is_second, step)
    });
    let documents: Vec<_> = history.iter().map(text).collect();
    let told: Vec<_> = history
        .iter()
        .zip(&documents)
        .map(|(envelope, document)| {
            let topic = envelope["TopicArn"].as_str().unwrap().rsplit(':').next().unwrap().to_owned();
            (
                topic,
                document["state"].as_str().unwrap(),
                document["input"]["key"].as_str().unwrap().rsplit('/').next().unwrap(),
            )
        })
        .collect();
    let expected = [
        ("transcoder-progressing", "PROGRESSING", "testsrc.mp4"),
        ("transcoder-warning", "WARNING", "testsrc.mp4"),
        ("transcoder-completed", "COMPLETED", "testsrc.mp4"),
        ("transcoder-progressing", "PROGRESSING", "holiday-notes.txt"),
        ("transcoder-error", "ERROR", "holiday-notes.txt"),
    ];
    assert_eq!(told, expected.map(|(topic, state, input)| (topic.to_owned(), state, input)));
    let (completed, error) = (&documents[2], &documents[4]);
    has_the_shape_of(completed, "elastic-transcoder-completed.json");
    has_the_shape_of(error, "elastic-transcoder-error.json");
    assert!(documents[..3].iter().all(|document| document["jobId"] == completed["jobId"]), "{documents:#?}");
    let made = &completed["outputs"][0];
    assert_eq!((&made["duration"], &made["width"], &made["height"]), (&json!(4), &json!(1280), &json!(720)));

    let renditions = folder.0.join("renditions/testsrc");
    let video = picture(&renditions.join("720p.mp4")).await;
    assert_eq!(video, json!({ "codec_name": "h264", "width": 1280, "height": 720 }));
    // The function alone makes this.
    let thumbnail = picture(&renditions.join("thumbs/00001.png")).await;
    assert_eq!(thumbnail, json!({ "codec_name": "png", "width": 1280, "height": 720 }));

    let mails = mailbox.mails();
    let [mail] = &mails[..] else { panic!("one e-mail was expected: {mails:#?}") };
    assert_eq!(mail.to, [OPERATOR]);
    let job = error["jobId"].as_str().unwrap();
    assert_eq!(mail.subject().unwrap(), format!("Job {job}: ERROR"));
    let letter = mail.text().unwrap();
    let mut values = serde_json::Deserializer::from_str(&letter).into_iter::<Value>();
    assert_eq!(&values.next().unwrap().unwrap(), error);
}

#[tokio::test]
#[ignore = "needs ffmpeg"]
async fn a_video_with_sound_brings_no_warning_and_keeps_its_sound() {
    let folder = Folder::new("transcoder-sound");
    let input = folder.0.join("with sound.mkv");
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-nostdin", "-f", "lavfi", "-i", "testsrc=duration=1", "-f", "lavfi"]);
    ffmpeg.args(["-i", "sine=duration=1", "-c:v", "mpeg4", "-c:a", "aac"]).arg(&input);
    ended_well(ffmpeg).await;

    let mut program = transcoder(&folder);
    program.arg(&input);
    let output = ended_well(program).await;
    let stdout = String::from_utf8(output.stdout).unwrap();
    let published = stdout.lines().filter_map(|line| line.strip_prefix("published ")?.split(' ').next());
    assert_eq!(published.collect::<Vec<_>>(), ["PROGRESSING", "COMPLETED"]);

    let mut ffprobe = Command::new("ffprobe");
    ffprobe.args(["-v", "error", "-show_entries", "stream=codec_type", "-of", "csv=print_section=0"]);
    ffprobe.arg(folder.0.join("renditions/with sound/720p.mp4"));
    assert_eq!(String::from_utf8(ended_well(ffprobe).await.stdout).unwrap(), "video\naudio\n");
}
