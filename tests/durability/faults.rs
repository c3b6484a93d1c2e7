//! Disks that fail and disks that are full: what cannot be kept is refused, and what was acknowledged stays.

use std::fs::File;
use std::io::ErrorKind;
use std::path::PathBuf;
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{Duration, Instant};

use crate::receivers::Presence;
use crate::scene::{Published, Scene};
use crate::shim::{Control, Fault};
use crate::worker_process::Worker;

/// Messages of one step of a test.
const SOME: usize = 20;

/// Bytes of a large message.
const LARGE: usize = 8 << 10;

/// A scene whose worker's disk can be made to fail.
async fn scene(name: &str) -> (Scene, Control) {
    let scene = Scene::new(name).await;
    let control = Control::of(&scene);
    (scene, control)
}

fn assert_all_acked(published: &Published) {
    assert_eq!((published.acked, published.refused.len()), (SOME, 0), "{:?}", published.refused);
}

/// Every publish was refused, for that reason.
fn assert_all_refused(published: &Published, reason: &str) {
    assert_eq!((published.acked, published.refused.len()), (0, SOME));
    assert_refused(&published.refused, reason);
}

/// For that reason, or because the reserve was spent on it.
fn assert_refused(refused: &[String], reason: &str) {
    for error in refused {
        let nothing_accepted = error.starts_with("InternalError: nothing was accepted: ") && error.contains(reason);
        assert!(nothing_accepted || reason.contains("full") && is_spent(error), "{error}");
    }
}

/// Whether that is why publishes are refused whose disk was full before.
fn is_spent(error: &str) -> bool {
    error.starts_with("Throttled: Rate exceeded: the disk under the store in ") && error.ends_with(": make room")
}

#[tokio::test]
async fn after_a_failed_sync_nothing_is_acknowledged_until_the_store_is_opened_again() {
    let (mut scene, control) = scene("failed-sync").await;
    let mut worker = scene.start_with(&[], |command| control.attach(command));
    assert_all_acked(&scene.publish(&mut worker, SOME, 2, 10).await);

    control.begin(Fault::SyncOnce);
    let refused = scene.publish(&mut worker, SOME, 2, 10).await;
    assert!(control.is_used_up());
    assert_all_refused(&refused, "nothing is written until it is opened again");
    // The disk syncs again, and would say that everything is well.
    assert_all_refused(&scene.publish(&mut worker, SOME, 2, 10).await, "nothing is written until it is opened again");
    scene.kill(worker).await;

    let mut worker = scene.start(&[]);
    assert_all_acked(&scene.publish(&mut worker, SOME, 2, 10).await);
    assert_eq!(scene.drain_and_judge(worker).await.acked, 2 * SOME);
    scene.clean_up();
}

#[tokio::test]
async fn while_the_disk_is_full_publishes_are_refused_and_then_go_on() {
    refused_and_then_goes_on("full", Fault::Full, "full").await;
}

#[tokio::test]
async fn while_the_disk_does_not_write_publishes_are_refused_and_then_go_on() {
    refused_and_then_goes_on("broken", Fault::Broken, "disk I/O error").await;
}

#[tokio::test]
async fn while_the_disk_writes_halves_publishes_are_refused_and_then_go_on() {
    refused_and_then_goes_on("short", Fault::Short, "full").await;
}

async fn refused_and_then_goes_on(name: &str, fault: Fault, reason: &str) {
    let (mut scene, control) = scene(name).await;
    let mut worker = scene.start_with(&[], |command| control.attach(command));
    assert_all_acked(&scene.publish(&mut worker, SOME, 2, 10).await);

    control.begin(fault);
    assert_all_refused(&scene.publish(&mut worker, SOME, 2, 10).await, reason);
    control.end();
    publish_until_accepted(&mut scene, &mut worker).await;
    assert_all_acked(&scene.publish(&mut worker, SOME, 2, 10).await);

    control.begin(fault);
    assert_all_refused(&scene.publish(&mut worker, SOME, 2, 10).await, reason);
    scene.kill(worker).await;
    control.end();

    let tally = scene.settle_and_judge().await;
    assert_eq!((tally.acked, tally.kept_unanswered), (2 * SOME + 1, 0));
    scene.clean_up();
}

/// Publishes one message after the other until one is accepted. A reserve that was spent is made again in seconds.
async fn publish_until_accepted(scene: &mut Scene, worker: &mut Worker) {
    let deadline = Instant::now() + Duration::from_secs(60);
    while let [refused] = &scene.publish(worker, 1, 1, 10).await.refused[..] {
        assert!(is_spent(refused), "{refused}");
        assert!(Instant::now() < deadline, "{refused}");
    }
}

#[tokio::test]
async fn a_publish_is_not_acknowledged_while_the_disk_still_syncs() {
    let (mut scene, control) = scene("held-sync").await;
    let mut worker = scene.start_with(&[], |command| control.attach(command));
    assert_all_acked(&scene.publish(&mut worker, SOME, 1, 10).await);
    worker.tell("drain").await;
    scene.answer(&mut worker, "drained").await;
    while !scene.answer(&mut worker, "counters").await.contains(r#""pending":0"#) {}

    control.begin(Fault::Held);
    worker.tell("publish 1 1 10").await;
    while worker.error().await.expect("the worker runs") != "sync held" {}
    worker.tell("ping").await;
    let until_pong = scene.acks_until(&mut worker, "pong").await;
    control.end();
    let until_done = scene.acks_until(&mut worker, "done").await;
    assert_eq!((until_pong, until_done), (0, 1));
    scene.kill(worker).await;

    assert_eq!(scene.settle_and_judge().await.acked, SOME + 1);
    scene.clean_up();
}

#[tokio::test]
async fn a_second_process_on_the_same_directory_is_refused() {
    let mut scene = Scene::new("second-process").await;
    let mut first = scene.start(&[]);
    scene.answer(&mut first, "ready").await;

    let mut second = scene.start(&[]);
    let directory = scene.directory().canonicalize().unwrap();
    let refusal = format!(
        "the store in {} is in use by process {}: stop it, or choose another directory",
        directory.display(),
        first.id()
    );
    assert_eq!(second.error().await, Some(refusal));
    assert_eq!(second.ended().await.code(), Some(1));

    assert_all_acked(&scene.publish(&mut first, SOME, 2, 10).await);
    scene.stop(first).await;
    assert_eq!(scene.settle_and_judge().await.acked, SOME);
    scene.clean_up();
}

#[tokio::test]
async fn a_store_that_is_full_by_its_own_bound_refuses_and_takes_more_when_deliveries_have_made_room() {
    let mut scene = Scene::new("bound").await;
    scene.receivers.set_away(Presence::Gone);
    let mut worker = scene.start(&["--database-bytes=1000000"]);
    let (acked, refused) = publish_until_refused(&mut scene, &mut worker).await;
    for error in &refused {
        assert!(error.starts_with("Throttled: Rate exceeded: the store is full: "), "{error}");
    }
    scene.receivers.set_away(Presence::Here);
    scene.drain_and_judge(worker).await;

    let mut worker = scene.start(&["--database-bytes=1000000", "--sweep"]);
    assert_all_acked(&scene.publish(&mut worker, SOME, 2, LARGE).await);
    let tally = scene.drain_and_judge(worker).await;
    assert_eq!((tally.acked, tally.kept_unanswered), (acked + SOME, 0));
    scene.clean_up();
}

#[tokio::test]
#[ignore = "mounts a small file system, which only root can"]
async fn on_a_disk_that_is_really_full_deliveries_go_on_and_make_room_for_more() {
    let disk = SmallDisk::mount();
    let (mut scene, worker, acked) = full(&disk).await;
    assert!(!scene.directory().join("reserve").exists());
    let tally = scene.drain_and_judge(worker).await;
    assert_eq!((tally.acked, tally.kept_unanswered), (acked, 0));

    let mut worker = scene.start(&["--sweep"]);
    assert_all_acked(&scene.publish(&mut worker, SOME, 2, LARGE).await);
    let tally = scene.drain_and_judge(worker).await;
    assert_eq!((tally.acked, tally.kept_unanswered), (acked + SOME, 0));
}

#[tokio::test]
#[ignore = "mounts a small file system, which only root can"]
async fn a_disk_that_is_made_larger_is_used_without_opening_again() {
    let disk = SmallDisk::mount();
    let (mut scene, mut worker, acked) = full(&disk).await;
    disk.grow();
    publish_until_accepted(&mut scene, &mut worker).await;
    assert_all_acked(&scene.publish(&mut worker, SOME, 2, LARGE).await);
    let tally = scene.drain_and_judge(worker).await;
    assert_eq!((tally.acked, tally.kept_unanswered), (acked + 1 + SOME, 0));
}

#[tokio::test]
#[ignore = "mounts a small file system, which only root can"]
async fn a_store_is_opened_on_a_disk_without_any_room_and_deliveries_go_on() {
    let disk = SmallDisk::mount();
    let mut scene = Scene::at(disk.0.join("store")).await;
    scene.receivers.set_away(Presence::Gone);
    let mut worker = scene.start(&[]);
    assert_all_acked(&scene.publish(&mut worker, SOME, 2, LARGE).await);
    scene.kill(worker).await;
    // Made anew when the store is opened, and needs room.
    std::fs::remove_file(scene.directory().join("fanfare.db-shm")).unwrap();
    disk.fill_up();

    let mut worker = scene.start(&[]);
    scene.answer(&mut worker, "ready").await;
    assert!(!scene.directory().join("reserve").exists());
    let refused = scene.publish(&mut worker, SOME, 2, LARGE).await;
    assert_eq!((refused.acked, refused.refused.len()), (0, SOME));
    assert!(refused.refused.iter().all(|error| is_spent(error)), "{:?}", refused.refused);
    scene.receivers.set_away(Presence::Here);
    let tally = scene.drain_and_judge(worker).await;
    assert_eq!((tally.acked, tally.kept_unanswered), (SOME, 0));
}

/// A worker whose disk is full, and how many messages it has acknowledged. Some of them wait for a receiver, who is there
/// again.
async fn full(disk: &SmallDisk) -> (Scene, Worker, usize) {
    let mut scene = Scene::at(disk.0.join("store")).await;
    scene.receivers.set_away(Presence::Gone);
    let mut worker = scene.start(&[]);
    let (acked, refused) = publish_until_refused(&mut scene, &mut worker).await;
    assert_refused(&refused, "database or disk is full");
    scene.receivers.set_away(Presence::Here);
    (scene, worker, acked)
}

/// Publishes large messages for as long as they are accepted: how many were, and why the others were not. Space is given
/// back by sweeps, the first of which is a minute away.
async fn publish_until_refused(scene: &mut Scene, worker: &mut Worker) -> (usize, Vec<String>) {
    let mut acked = 0;
    loop {
        let published = scene.publish(worker, SOME, 2, LARGE).await;
        acked += published.acked;
        if !published.refused.is_empty() {
            assert!(acked > 0);
            return (acked, published.refused);
        }
    }
}

/// A file system of 32 megabytes until it grows, for as long as it is held.
struct SmallDisk(PathBuf);

impl SmallDisk {
    fn mount() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("small-disk-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let place = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&place).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=32m", "tmpfs"]).arg(&place);
        let output = mount.output().unwrap();
        assert!(output.status.success(), "{mount:?}: {}", String::from_utf8_lossy(&output.stderr));
        Self(place)
    }

    /// Takes all the room that is left.
    fn fill_up(&self) {
        let mut file = File::create(self.0.join("other")).unwrap();
        let filled = std::io::copy(&mut std::io::repeat(1), &mut file).unwrap_err();
        assert_eq!(filled.kind(), ErrorKind::StorageFull);
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=128m"]).arg(&self.0).status().unwrap();
        assert!(grown.success());
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let unmounted = Command::new("umount").arg("--lazy").arg(&self.0).status();
        if unmounted.is_ok_and(|status| status.success()) {
            let _ = std::fs::remove_dir(&self.0);
        }
    }
}
