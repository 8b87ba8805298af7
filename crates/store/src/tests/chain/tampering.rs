//! What somebody who may write the database does to it, and what is told of it.

use exchange::{
    model::{CallId, LegId},
    recording::RecordingPath,
};
use uuid::Uuid;

use crate::{
    ChainLink, RecordingRow,
    chain::{BEGINNING, ChainDay, check_chain},
};

#[derive(Clone)]
struct House {
    days: Vec<ChainDay>,
    links: Vec<ChainLink>,
    rows: Vec<RecordingRow>,
}

impl House {
    /// Three recordings of one day and two of the next.
    fn new() -> Self {
        let mut house = Self { days: Vec::new(), links: Vec::new(), rows: Vec::new() };
        for number in 0..5 {
            let day = if number < 3 { "2026-11-22" } else { "2026-11-23" };
            house.prove(day, number);
        }
        assert_eq!(house.faults(), [""; 0]);
        house
    }

    fn prove(&mut self, day: &str, number: u128) {
        let row = RecordingRow {
            call: CallId(Uuid::from_u128(number)),
            leg: LegId(Uuid::from_u128(100 + number)),
            path: RecordingPath::new(format!("{}/{number}.wav", day.replace('-', "/"))),
            seconds: Some(3.0),
            bytes: Some(5),
            channels: Some(2),
            sha256: Some(format!("{number}a").repeat(32)),
            verdict: "ok".to_owned(),
            levels: None,
            gaps: None,
            media: None,
            problem: None,
            verified_at: None,
            archived_at: None,
            held_at: None,
            held_because: None,
            sidecar: None,
            deleted_at: None,
            deleted_because: None,
        };
        self.add(day, &row, "proven");
        self.rows.push(row);
    }

    fn add(&mut self, day: &str, row: &RecordingRow, step: &str) {
        let before = self.links.last().map_or(BEGINNING, |link| &link.hash).to_owned();
        let sequence = self.links.iter().filter(|link| link.day == day).count() + 1;
        let mut link = ChainLink {
            day: day.to_owned(),
            sequence: i64::try_from(sequence).unwrap(),
            previous: before,
            step: step.to_owned(),
            at_ms: 0,
            call: row.call.to_string(),
            leg: row.leg.to_string(),
            path: row.path.clone(),
            sha256: row.sha256.clone(),
            bytes: row.bytes.and_then(|bytes| i64::try_from(bytes).ok()),
            verdict: row.verdict.clone(),
            sidecar: row.sidecar.clone(),
            hash: String::new(),
        };
        link.hash = link.true_hash();
        self.days.retain(|end| end.day != day);
        self.days.push(ChainDay {
            day: day.to_owned(),
            sequence: link.sequence,
            hash: link.hash.clone(),
        });
        self.links.push(link);
    }

    fn faults(&self) -> Vec<String> {
        let faults = check_chain(&self.days, &self.links, &self.rows);
        faults.into_iter().map(|fault| format!("{} {}", fault.day, fault.problem)).collect()
    }
}

type Deed = fn(&mut House);

#[test]
#[expect(clippy::too_many_lines, reason = "a table")]
fn every_change_is_found() {
    let changed = |what: &str, link: u8| {
        format!("2026-11-22 the database was changed: {what} not as in link {link}")
    };
    let cases: [(&str, Deed, Vec<String>); 15] = [
        (
            "a row's checksum",
            |h| h.rows[1].sha256 = Some("ff".into()),
            vec![changed("checksum", 2)],
        ),
        (
            "a row's checksum is taken away",
            |h| h.rows[1].sha256 = None,
            vec![changed("checksum", 2)],
        ),
        ("a row's verdict", |h| h.rows[0].verdict = "short".into(), vec![changed("verdict", 1)]),
        (
            "a row made unproven",
            |h| h.rows[0].verdict = "pending".into(),
            vec![changed("verdict", 1)],
        ),
        (
            "a row moved to another day",
            |h| h.rows[2].path = RecordingPath::new("2026/11/23/2.wav"),
            vec![changed("path", 3)],
        ),
        (
            "a row given to another call",
            |h| h.rows[2].call = CallId(Uuid::from_u128(9)),
            vec![changed("call", 3)],
        ),
        (
            "a sidecar's checksum",
            |h| h.rows[0].sidecar = Some("x".into()),
            vec![changed("checksum of the .json", 1)],
        ),
        (
            "a row deleted",
            |h| drop(h.rows.remove(1)),
            vec!["2026-11-22 its row in the database is gone".into()],
        ),
        (
            "two rows swapped",
            |h| {
                let (first, second) = (h.rows[0].path.clone(), h.rows[1].path.clone());
                (h.rows[0].path, h.rows[1].path) = (second, first);
            },
            vec![changed("path", 1), changed("path", 2)],
        ),
        (
            "a link's text",
            |h| h.links[1].sha256 = Some("ff".into()),
            vec![
                "2026-11-22 link 2 was changed: its hash is not that of its text".into(),
                changed("checksum", 2),
            ],
        ),
        (
            "a link and its row, with the hash that belongs to it",
            |h| {
                h.rows[1].sha256 = Some("ff".into());
                h.links[1].sha256 = Some("ff".into());
                h.links[1].hash = h.links[1].true_hash();
            },
            vec!["2026-11-22 link 3 does not follow link 2".into()],
        ),
        (
            "a link deleted",
            |h| drop(h.links.remove(1)),
            vec![
                "2026-11-22 link 3 comes where link 2 should".into(),
                "2026-11-22 it was verified, and the chain has no link of it".into(),
            ],
        ),
        (
            "two links in another order",
            |h| {
                (h.links[0].sequence, h.links[1].sequence) = (2, 1);
                h.links.swap(0, 1);
            },
            vec![
                "2026-11-22 link 1 follows one of an earlier day that is not there".into(),
                "2026-11-22 link 1 was changed: its hash is not that of its text".into(),
                "2026-11-22 link 2 does not follow link 1".into(),
                "2026-11-22 link 2 was changed: its hash is not that of its text".into(),
                "2026-11-22 link 3 does not follow link 2".into(),
            ],
        ),
        (
            "the tail cut off, rows and all",
            |h| {
                h.links.remove(2);
                h.rows.remove(2);
            },
            vec![
                "2026-11-22 its last link should be 3, and is 2".into(),
                "2026-11-23 link 1 follows one of an earlier day that is not there".into(),
            ],
        ),
        (
            "a whole day taken away",
            |h| {
                h.links.drain(..3);
                h.rows.drain(..3);
                h.days.remove(0);
            },
            vec!["2026-11-23 link 1 follows one of an earlier day that is not there".into()],
        ),
    ];
    for (what, deed, expected) in cases {
        let mut house = House::new();
        deed(&mut house);
        assert_eq!(house.faults(), expected, "{what}");
    }
}

#[test]
fn an_end_that_was_moved_along_is_found_by_the_next_day_and_the_rows() {
    let mut house = House::new();
    house.links.remove(2);
    let end = house.links[1].clone();
    house.days[0] = ChainDay { day: end.day, sequence: end.sequence, hash: end.hash };
    assert_eq!(
        house.faults(),
        [
            "2026-11-23 link 1 follows one of an earlier day that is not there",
            "2026-11-22 it was verified, and the chain has no link of it",
        ]
    );
    house.links.clear();
    house.rows.clear();
    assert_eq!(
        house.faults(),
        ["2026-11-22 all of its 2 links are gone", "2026-11-23 all of its 2 links are gone"]
    );
    house.days.clear();
    assert_eq!(house.faults(), [""; 0], "that takes a copy kept elsewhere");
}

#[test]
fn a_deletion_that_the_chain_does_not_know_is_found() {
    let mut house = House::new();
    house.rows[0].deleted_at = Some("2026-11-24T00:00:00Z".parse().unwrap());
    assert_eq!(house.faults(), ["2026-11-22 the database was changed: deletion not as in link 1"]);
    let row = house.rows[0].clone();
    // Days later, to the chain of the recording's day.
    let mut late = House { links: house.links[..3].to_vec(), ..house.clone() };
    late.add("2026-11-22", &row, "deleted");
    late.links.extend_from_slice(&house.links[3..]);
    assert_eq!(late.faults(), [""; 0]);
}
