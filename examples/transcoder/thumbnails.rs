//! The Lambda function that goes on where the transcoder has ended: it makes the thumbnail that a completed job asks for.
//!
//! The runtime and the event's types are AWS's own. The folder of outputs, which stands for a bucket, is in `OUTPUT`.

use std::path::{Component, Path, PathBuf};

use aws_lambda_events::sns::SnsEvent;
use lambda_runtime::{Error, LambdaEvent, run, service_fn};
use serde_json::Value;
use tokio::process::Command;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    let folder = PathBuf::from(std::env::var_os("OUTPUT").ok_or("OUTPUT names the folder of outputs")?);
    run(service_fn(async |event: LambdaEvent<SnsEvent>| handle(&event.payload, &folder).await)).await
}

/// Makes a thumbnail of each output of each job; answers how many. Done again for a repeated event, it comes to the same.
async fn handle(event: &SnsEvent, folder: &Path) -> Result<usize, Error> {
    let mut made = 0;
    for record in &event.records {
        let job: Value = serde_json::from_str(&record.sns.message)?;
        if job["state"] != "COMPLETED" {
            return Err("only a completed job has outputs".into());
        }
        for output in job["outputs"].as_array().into_iter().flatten() {
            let count = text(output, "thumbnailPattern")?.replace("{count}", "00001");
            let prefix = text(&job, "outputKeyPrefix")?;
            let video = inside(folder, &format!("{prefix}{}", text(output, "key")?))?;
            thumbnail(&video, &inside(folder, &format!("{prefix}{count}.png"))?).await?;
            made += 1;
        }
    }
    Ok(made)
}

async fn thumbnail(video: &Path, picture: &Path) -> Result<(), Error> {
    if let Some(folder) = picture.parent() {
        tokio::fs::create_dir_all(folder).await?;
    }
    let mut ffmpeg = Command::new("ffmpeg");
    ffmpeg.args(["-v", "error", "-y", "-nostdin", "-i"]).arg(video);
    // The most telling of the first pictures, and one alone.
    let output = ffmpeg.args(["-vf", "thumbnail", "-frames:v", "1", "-update", "1"]).arg(picture).output().await?;
    if output.status.success() { Ok(()) } else { Err(String::from_utf8_lossy(&output.stderr).into()) }
}

fn text<'a>(value: &'a Value, key: &str) -> Result<&'a str, Error> {
    value[key].as_str().ok_or_else(|| format!("the job has no {key}").into())
}

/// The file of `key`, which must not lead out of `folder`.
fn inside(folder: &Path, key: &str) -> Result<PathBuf, Error> {
    let key = Path::new(key);
    match key.components().all(|component| matches!(component, Component::Normal(_))) {
        true => Ok(folder.join(key)),
        false => Err("a key leads out of the folder of outputs".into()),
    }
}
