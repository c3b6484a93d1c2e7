//! Each broken store fails the cases that look for its fault; each case is failed by some store, and passed by one that
//! is not broken.

mod store;

use fanfare_testkit::store_conformance::cases;

use self::store::{BrokenSubject, Fault};

/// The names of those of `names` that a store with `fault` fails.
async fn failed_by(fault: Fault, names: &[&'static str]) -> Vec<&'static str> {
    let mut failed = Vec::new();
    for (name, case) in cases::<BrokenSubject>() {
        if !names.contains(&name) {
            continue;
        }
        let run = tokio::spawn(async move { case(BrokenSubject::with(fault)).await });
        if run.await.is_err_and(|error| error.is_panic()) {
            failed.push(name);
        }
    }
    failed
}

#[tokio::test]
async fn a_store_without_a_fault_passes_every_case() {
    let all: Vec<_> = cases::<BrokenSubject>().iter().map(|(name, _)| *name).collect();
    assert_eq!(failed_by(Fault::Nothing, &all).await, [""; 0]);
}

#[tokio::test]
async fn print_all() {
    let all: Vec<_> = cases::<BrokenSubject>().iter().map(|(name, _)| *name).collect();
    for fault in ALL {
        eprintln!("FAULT {fault:?} {:?}", failed_by(*fault, &all).await);
    }
}

const ALL: &[Fault] = &[
    Fault::AppendsLaneByLane,
    Fault::LosesSomeMessages,
    Fault::ShortensMessages,
    Fault::KeepsTheFirstLaneAlone,
    Fault::RefusesEmptyEntries,
    Fault::AnswersOneNumber,
    Fault::HidesRefusals,
    Fault::ForgetsWindows,
    Fault::EndsWindowsLate,
    Fault::RenewsWindows,
    Fault::AnswersTheRepeatedId,
    Fault::BlursKeys,
    Fault::SweepsOpenWindows,
    Fault::TakesBackwards,
    Fault::TakesTooMany,
    Fault::TakesEarly,
    Fault::TakesAgain,
    Fault::BreaksGroupOrder,
    Fault::HidesReplays,
    Fault::ForgetsSettlements,
    Fault::SettlesWhatWaits,
    Fault::ForgetsRetryTimes,
    Fault::ForgetsAttempts,
    Fault::LogsEverything,
    Fault::LogsBackwards,
    Fault::MixesSubscriptions,
    Fault::SkipsTheDeadLetterStage,
    Fault::ForgetsReasons,
    Fault::KeepsDiscarded,
    Fault::ListsDeadLettersBackwards,
    Fault::RedrivesNothing,
    Fault::CountsNothingDropped,
    Fault::CountsConfirmations,
    Fault::ClearsWhatIsTaken,
    Fault::ListsNoLanes,
    Fault::TellsTimesLate,
    Fault::TellsTimesOfWhatIsHeldBack,
    Fault::KnowsNoState,
    Fault::EndsRangesEarly,
    Fault::RepeatsPages,
    Fault::ReplaysForEver,
    Fault::ReplaysTwice,
    Fault::DropsAllArchives,
    Fault::ForgetsMessages,
    Fault::ForgetsNoMessage,
    Fault::InventsATopic,
    Fault::KeepsOneChange,
    Fault::SavesBackwards,
    Fault::ReplacesNothing,
    Fault::RemovesNothing,
    Fault::RefusesToRemove,
    Fault::IsEmptyWhenReopened,
    Fault::LosesWhatIsTakenWhenReopened,
    Fault::DeniesToOutlive,
    Fault::KeepsAllDeadLetters,
];
