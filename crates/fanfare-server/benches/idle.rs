//! What the program costs while nobody calls it: from its start to the first answer, and then memory and processor time.
//!
//! `cargo bench -p fanfare-server --bench idle [-- STARTS SECONDS]`, 20 starts and 30 seconds of idling unless said otherwise.
#![allow(clippy::print_stdout, clippy::unwrap_used, reason = "a benchmark prints its figures and stops where it fails")]

mod program;

use std::time::Duration;

use program::Program;

fn main() {
    let mut counts = std::env::args().skip(1).filter_map(|argument| argument.parse().ok());
    let (starts, seconds) = (counts.next().unwrap_or(20), counts.next().unwrap_or(30));
    let directory = std::env::temp_dir().join(format!("fanfare-idle-{}", std::process::id()));
    println!("{:<10}{:>34}{:>16}{:>14}", "store", "start to first answer", "idle memory", "idle CPU");
    for store in ["memory", "disk"] {
        let place: Vec<String> = match store {
            "disk" => vec!["--data".to_owned(), directory.display().to_string()],
            _ => vec!["--memory".to_owned()],
        };
        let mut times: Vec<Duration> = (0..starts).map(|_| Program::start(&place).started_in).collect();
        times.sort();
        let program = Program::start(&place);
        let before = program.cpu();
        std::thread::sleep(Duration::from_secs(seconds));
        let share = (program.cpu() - before).as_secs_f64() / seconds as f64 * 100.0;
        let ms = |time: Duration| time.as_secs_f64() * 1000.0;
        let spread =
            format!("{:.0} ms ({:.0} to {:.0})", ms(times[times.len() / 2]), ms(times[0]), ms(*times.last().unwrap()));
        println!("{store:<10}{spread:>34}{:>13.1} MB{share:>12.2} %", program.memory_mb());
    }
    let _ = std::fs::remove_dir_all(directory);
}
