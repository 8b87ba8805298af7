//! What the phones went through, held against what the exchange has written.

use crate::{exchange::Row, world::World};

/// A recording may lack so much at its end: what FreeSWITCH had not yet written when it died, and
/// what the phones heard while the bridge was being made.
const UNWRITTEN: f64 = 1.2;

/// What became of a call by its phones.
pub(super) struct Truth {
    /// For how long the called phone heard the caller's voice.
    pub(super) talked: f64,
    /// Whether a dealer called back.
    pub(super) is_callback: bool,
    /// Whether the exchange had begun to ring the shopper.
    pub(super) rang: bool,
}

/// Holds a call against its row, its recording and its ticket.
pub(super) fn assert_known(world: &World, call: &Row, truth: &Truth) {
    assert!(!call["ended_at"].is_null(), "{call:#}");
    let outcome = call["outcome"].as_str().unwrap();
    // A talk that was cut in its first moment is whatever the exchange saw of it.
    if truth.talked >= 0.5 {
        assert_eq!(outcome, "answered", "they talked {} s: {call:#}", truth.talked);
        let told = call["talk_seconds"].as_f64().unwrap();
        assert!((told - truth.talked).abs() < 1.5, "{told} s told, {} s talked", truth.talked);
    } else if truth.talked == 0.0 {
        assert_ne!(outcome, "answered", "nobody talked: {call:#}");
    }
    if outcome == "answered" {
        assert_recorded(world, call, truth.talked);
    }
    if truth.is_callback {
        let missed = usize::from(outcome != "answered");
        let dealer = &call["dealer"];
        let tickets = of_dealer(world.exchange.list("tickets"), dealer);
        assert_eq!(tickets.len(), missed, "tickets of {dealer}: {tickets:#?}");
        assert!(tickets.iter().all(|ticket| ticket["missed"] == 1), "{tickets:#?}");
        let dealer = dealer.as_str().unwrap();
        let mut sms = world.exchange.list("sms");
        sms.retain(|sms| sms["text"].as_str().unwrap().contains(dealer));
        assert_eq!(sms.len(), missed, "SMS about {dealer}: {sms:#?}");
    }
}

/// There is a file, it is whole, and it holds the talk.
fn assert_recorded(world: &World, call: &Row, talked: f64) {
    let recordings = world.exchange.list("recordings");
    let recording = recordings.iter().find(|recording| recording["call"] == call["id"]);
    let recording = recording.unwrap_or_else(|| panic!("no recording of {call:#}"));
    let verdict = recording["verdict"].as_str().unwrap();
    if talked >= 1.0 {
        // Short: both talked, and the last moment of it was never written.
        assert!(["ok", "repaired", "short"].contains(&verdict), "{recording:#}");
        let path = world.dir().join("recordings").join(recording["path"].as_str().unwrap());
        let sound =
            hound::WavReader::open(&path).unwrap_or_else(|e| panic!("{}: {e}", path.display()));
        let seconds = f64::from(sound.duration()) / f64::from(sound.spec().sample_rate);
        assert!(seconds > talked - UNWRITTEN, "{seconds} s recorded, {talked} s talked");
        assert_eq!(sound.spec().channels, 2);
        assert!(path.with_extension("json").is_file(), "no sidecar beside {}", path.display());
    }
}

fn of_dealer(mut rows: Vec<Row>, dealer: &Row) -> Vec<Row> {
    rows.retain(|row| row["dealer"] == *dealer);
    rows
}
