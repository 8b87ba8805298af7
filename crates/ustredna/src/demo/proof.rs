//! What the books say, held against the story.

use std::time::Duration;

use anyhow::{Context as _, ensure};
use serde_json::{Value, json};

use super::{BANK, FIRST, GARAGE, SECOND, SHOPPER, house::House};

/// How far what was stored may be from what the phones saw.
const TOLERANCE: f64 = 1.0;

/// The last call so far.
pub(super) struct Expected<'a> {
    /// How many there are with it.
    pub(super) count: usize,
    pub(super) service: &'a str,
    pub(super) outcome: &'a str,
    pub(super) fictitious: &'a str,
    pub(super) dealer: &'a str,
    pub(super) ticket: Option<u8>,
    /// How long the two could hear each other, if they could.
    pub(super) talked: Option<Duration>,
}

/// The proof of a talk.
pub(super) struct Recorded {
    /// Below the recordings folder.
    pub(super) path: String,
    pub(super) seconds: f64,
}

impl House {
    /// Waits for the call's row, and for the recording of one that was answered.
    pub(super) async fn check_call(
        &self,
        expected: &Expected<'_>,
    ) -> anyhow::Result<Option<Recorded>> {
        let calls = self.settled(Some(expected.count)).await?;
        let call = calls.first().context("there are no calls")?;
        let row = json!({
            "service": expected.service,
            "outcome": expected.outcome,
            "shopper": SHOPPER,
            "fictitious_number": expected.fictitious,
            "dealer": expected.dealer,
            "ticket": expected.ticket,
        });
        agrees("the call", call, &row)?;
        let Some(talked) = expected.talked else {
            ensure!(call["recording"].is_null(), "a call without a talk has a recording");
            return Ok(None);
        };
        about("the talk", &call["talk_seconds"], talked.as_secs_f64())?;
        let path = call["recording"].as_str().context("the call has no recording")?;
        let rows = self.rows("recordings").await?;
        let recording = rows.iter().find(|row| row["path"] == path);
        let recording = recording.with_context(|| format!("{path} is not among the recordings"))?;
        agrees("the recording", recording, &json!({"verdict": "ok", "channels": 2}))?;
        let seconds = about("the recording", &recording["seconds"], talked.as_secs_f64())?;
        let file = self.folder().join("recordings").join(path);
        ensure!(file.is_file(), "{} is not there", file.display());
        Ok(Some(Recorded { path: path.to_owned(), seconds }))
    }

    /// At the end: both tickets are closed, both messages sent, and every recording is proven anew.
    pub(super) async fn check_books(&self) -> anyhow::Result<()> {
        let of_garage = json!({"number": 1, "dealer": GARAGE, "fictitious_number": SECOND,
            "status": "reached", "missed": 1, "sms": "sent", "shopper": SHOPPER});
        let of_bank = json!({"number": 2, "dealer": BANK, "fictitious_number": FIRST,
            "status": "called_back", "missed": 1, "sms": "sent", "shopper": SHOPPER});
        let sent = json!({"to": SHOPPER, "status": "sent", "segments": 1, "attempts": 1});
        self.are("tickets", &[of_bank, of_garage]).await?;
        self.are("sms", &[sent.clone(), sent]).await?;
        let proven = json!({"verdict": "ok"});
        self.are("recordings", &[proven.clone(), proven.clone(), proven]).await?;
        // It fails when a recording falls short.
        self.command("recordings verify").await.map(drop)
    }

    async fn are(&self, what: &str, expected: &[Value]) -> anyhow::Result<()> {
        let rows = self.rows(what).await?;
        let (found, wanted) = (rows.len(), expected.len());
        ensure!(found == wanted, "rows of {what}: {found} instead of {wanted}");
        rows.iter().zip(expected).try_for_each(|(row, expected)| agrees(what, row, expected))
    }
}

/// Every expected value is in the row.
fn agrees(what: &str, row: &Value, expected: &Value) -> anyhow::Result<()> {
    for (key, wanted) in expected.as_object().into_iter().flatten() {
        let found = &row[key];
        ensure!(found == wanted, "{what}: {key} is {found} instead of {wanted}");
    }
    Ok(())
}

fn about(what: &str, seconds: &Value, wanted: f64) -> anyhow::Result<f64> {
    let seconds = seconds.as_f64().with_context(|| format!("{what} has no length"))?;
    let close = (seconds - wanted).abs() <= TOLERANCE;
    ensure!(close, "{what} is {seconds:.1} s long instead of {wanted:.1} s");
    Ok(seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_differs_is_named() {
        let row = json!({"outcome": "busy", "ticket": 2, "id": "1"});
        assert!(agrees("the call", &row, &json!({"outcome": "busy", "ticket": 2})).is_ok());
        let error = agrees("the call", &row, &json!({"ticket": null})).unwrap_err();
        assert_eq!(error.to_string(), "the call: ticket is 2 instead of null");
        let error = about("the talk", &json!(2.5), 4.0).unwrap_err();
        assert_eq!(error.to_string(), "the talk is 2.5 s long instead of 4.0 s");
        assert!(about("the talk", &Value::Null, 4.0).is_err());
    }
}
