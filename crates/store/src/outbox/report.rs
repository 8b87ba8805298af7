//! Delivery reports that come from the gateway, and which SMS they are of.

use exchange::model::{SmsId, SmsStatus};
use jiff::{SignedDuration, Timestamp};

use crate::{
    Store, StoreError,
    row::{Fields, clean, ms, name},
};

/// What a delivery report says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivery<'a> {
    /// The phone has it.
    Delivered,
    /// It never will.
    Failed(&'a str),
}

/// How a delivery report names its SMS. Not all write ids as they did when they took the SMS.
#[derive(Clone, Copy, Default)]
pub struct Named<'a> {
    /// What the provider calls it, or the SMS's own id.
    pub id: &'a str,
    /// What it is called at other places of the report.
    pub others: &'a [String],
    /// The same ids written to the other base: `33E95179` is `870928761`.
    pub twins: &'a [String],
    /// Numbers that the report names, as it writes them; one should be the phone's.
    pub numbers: &'a [String],
}

impl<'a> From<&'a str> for Named<'a> {
    fn from(id: &'a str) -> Self {
        Self { id, ..Self::default() }
    }
}

impl<'a> From<&'a String> for Named<'a> {
    fn from(id: &'a String) -> Self {
        Self::from(id.as_str())
    }
}

/// For how long after it was put in the outbox an SMS is found by an id that is only alike.
const ALIKE_FOR: SignedDuration = SignedDuration::from_hours(14 * 24);

/// SMS and parts of them since a time by the id as it is, newest first. Some providers use an id again.
const BY_ID: &str = "SELECT m.id, m.status, m.recipient, m.created_at, 0 AS part FROM sms m \
     WHERE (m.provider_id = $1 OR m.id = $1) AND m.created_at >= $2 \
     UNION ALL SELECT m.id, m.status, m.recipient, m.created_at, p.part FROM sms_parts p \
     JOIN sms m ON m.id = p.sms_id WHERE p.provider_id = $1 AND m.created_at >= $2 \
     ORDER BY 4 DESC, 1 DESC LIMIT 50";

/// The same without leading zeros and in any case.
const BY_LIKENESS: &str = "SELECT m.id, m.status, m.recipient, m.created_at, 0 AS part FROM sms m \
     WHERE LOWER(LTRIM(m.provider_id, '0')) = $1 AND m.created_at >= $2 \
     UNION ALL SELECT m.id, m.status, m.recipient, m.created_at, p.part FROM sms_parts p \
     JOIN sms m ON m.id = p.sms_id WHERE LOWER(LTRIM(p.provider_id, '0')) = $1 \
     AND m.created_at >= $2 ORDER BY 4 DESC, 1 DESC LIMIT 50";

/// An SMS, or a part of it, that a report may be of.
#[derive(Clone, PartialEq, Eq)]
struct Candidate {
    id: SmsId,
    status: SmsStatus,
    recipient: String,
    /// 0: the whole, or its last part.
    part: i64,
}

impl Candidate {
    fn is_final(&self) -> bool {
        matches!(self.status, SmsStatus::Delivered | SmsStatus::Failed)
    }
}

impl Store {
    /// Takes a delivery report in; tells the SMS, unless it is of none, or of one whose last try
    /// is still under way and which the report says was not delivered: that report is for later.
    ///
    /// Reports may come twice and in any order: that the phone has it stands against anything. One
    /// that came before the answer to its SMS is for later, too.
    ///
    /// An SMS is found by the id as it is; of several, the latest to a phone that the report names. If there
    /// is none, by an id that differs in leading zeros or case, by another id of the report, or by one
    /// written to the other base: but only if the report names its phone (or, for zeros and case, no phone
    /// at all), if it is the only one, and if no SMS to that phone waits for the answer with its id. So a
    /// report never settles another SMS.
    ///
    /// # Errors
    /// [`StoreError`].
    pub async fn sms_reported<'a>(
        &self,
        named: impl Into<Named<'a>> + Send,
        delivery: Delivery<'_>,
        now: Timestamp,
    ) -> Result<Option<SmsId>, StoreError> {
        let Some(found) = self.reported(named.into(), now).await? else { return Ok(None) };
        let id = found.id.to_string();
        if found.part > 0 {
            return self.part_reported(&id, found.part, delivery).await.map(|()| Some(found.id));
        }
        let update = match delivery {
            // A part that the phone never got counts for more than the last one, which it has.
            Delivery::Delivered => sqlx::query(
                "UPDATE sms SET leased_until = NULL, fate_unknown = 0, \
                 delivered_at = COALESCE(delivered_at, $2), sent_at = COALESCE(sent_at, $2), \
                 status = CASE WHEN EXISTS (SELECT 1 FROM sms_parts p WHERE p.sms_id = sms.id \
                  AND p.failed = 1) THEN 'failed' ELSE 'delivered' END, \
                 error = CASE WHEN EXISTS (SELECT 1 FROM sms_parts p WHERE p.sms_id = sms.id \
                  AND p.failed = 1) THEN error ELSE NULL END \
                 WHERE id = $1 AND status <> 'delivered'",
            )
            .bind(id)
            .bind(ms(now)),
            Delivery::Failed(reason) => sqlx::query(
                "UPDATE sms SET status = 'failed', error = $2 WHERE id = $1 AND status = 'sent'",
            )
            .bind(id)
            .bind(clean(reason)),
        };
        let done = update.execute(&self.write).await?;
        let waits = delivery != Delivery::Delivered
            && found.status == SmsStatus::Sending
            && done.rows_affected() == 0;
        Ok((!waits).then_some(found.id))
    }

    /// A part that never arrives is as good as none: the phone shows nothing.
    async fn part_reported(
        &self,
        id: &str,
        part: i64,
        delivery: Delivery<'_>,
    ) -> Result<(), StoreError> {
        let mut tx = self.begin().await?;
        let (of_part, of_whole) = match delivery {
            Delivery::Delivered => (
                "UPDATE sms_parts SET delivered = 1, failed = 0 WHERE sms_id = $1 AND part = $2",
                "UPDATE sms SET status = 'delivered', error = $2 WHERE id = $1 \
                 AND status = 'failed' AND delivered_at IS NOT NULL AND NOT EXISTS \
                 (SELECT 1 FROM sms_parts p WHERE p.sms_id = sms.id AND p.failed = 1)",
            ),
            Delivery::Failed(_) => (
                "UPDATE sms_parts SET failed = 1 WHERE sms_id = $1 AND part = $2 AND delivered = 0",
                "UPDATE sms SET status = 'failed', error = $2 WHERE id = $1 \
                 AND status IN ('sent', 'delivered') AND EXISTS \
                 (SELECT 1 FROM sms_parts p WHERE p.sms_id = sms.id AND p.failed = 1)",
            ),
        };
        sqlx::query(of_part).bind(id.to_owned()).bind(part).execute(&mut *tx).await?;
        let error = match delivery {
            Delivery::Delivered => None,
            Delivery::Failed(reason) => Some(clean(reason)),
        };
        sqlx::query(of_whole).bind(id.to_owned()).bind(error).execute(&mut *tx).await?;
        tx.commit().await
    }

    /// Which SMS a report is of, if that is certain now.
    async fn reported(
        &self,
        named: Named<'_>,
        now: Timestamp,
    ) -> Result<Option<Candidate>, StoreError> {
        let agrees = |candidate: &Candidate| {
            named.numbers.iter().any(|number| is_same_phone(&candidate.recipient, number))
        };
        let tells_phone = named.numbers.iter().any(|number| significant(number).is_some());
        let mut exact = self.candidates(BY_ID, &name(named.id), Timestamp::MIN).await?;
        if let Some(at) = exact.iter().position(|found| !tells_phone || agrees(found)) {
            let found = exact.swap_remove(at);
            // The provider may have given its id to a later SMS.
            let again = tells_phone && found.is_final();
            let waits = again && self.awaits_answer(named.numbers, tells_phone).await?;
            return Ok((!waits).then_some(found));
        }
        let since = now.saturating_sub(ALIKE_FOR).unwrap_or(Timestamp::MIN);
        let (others, twins) =
            if tells_phone { (named.others, named.twins) } else { (&[][..], &[][..]) };
        let same = [named.id.to_owned()];
        let mut alike: Vec<Candidate> = Vec::new();
        for (query, ids) in
            [(BY_ID, others), (BY_LIKENESS, &same), (BY_LIKENESS, others), (BY_LIKENESS, twins)]
        {
            for id in ids {
                let id = if query == BY_ID { name(id) } else { likeness(id) };
                if id.is_empty() {
                    continue;
                }
                for found in self.candidates(query, &id, since).await? {
                    if (!tells_phone || agrees(&found)) && !alike.contains(&found) {
                        alike.push(found);
                    }
                }
            }
            if !alike.is_empty() {
                break;
            }
        }
        let found = match (alike.as_slice(), exact.first()) {
            ([only], _) => only.clone(),
            // It names another phone than that of the SMS. Some do not care what they write; but a short id
            // may be another one in the other base.
            ([], Some(newest)) if named.id.len() >= UNIQUE => newest.clone(),
            ([] | [_, _, ..], _) => return Ok(None),
        };
        let waits = self.awaits_answer(named.numbers, tells_phone).await?;
        Ok((!waits).then_some(found))
    }

    async fn candidates(
        &self,
        query: &'static str,
        id: &str,
        since: Timestamp,
    ) -> Result<Vec<Candidate>, StoreError> {
        let query = sqlx::query(query).bind(id.to_owned()).bind(ms(since));
        let rows = self.fetch(query, "sms").await?;
        self.damage.readable(&rows, |row| {
            let row = Fields::new("sms", row);
            Ok(Candidate {
                id: SmsId(row.id("id")?),
                status: row.word("status")?,
                recipient: row.text("recipient")?,
                part: row.int("part")?,
            })
        })
    }

    /// Whether an SMS to one of these numbers, or any, may yet learn its id.
    async fn awaits_answer(
        &self,
        numbers: &[String],
        tells_phone: bool,
    ) -> Result<bool, StoreError> {
        let query = sqlx::query("SELECT id, recipient FROM sms WHERE status = 'sending'");
        let rows = self.fetch(query, "sms").await?;
        let recipients =
            self.damage.readable(&rows, |row| Fields::new("sms", row).text("recipient"))?;
        Ok(recipients.iter().any(|recipient| {
            !tells_phone || numbers.iter().any(|number| is_same_phone(recipient, number))
        }))
    }
}

/// An id without what some providers change about it.
fn likeness(id: &str) -> String {
    name(id).trim_start_matches('0').to_ascii_lowercase()
}

/// Characters of an id that hardly two SMS have by chance.
const UNIQUE: usize = 6;

/// The end of a number that is the same with and without country and network code; `None` if it is none
/// that could be a phone's, because it is short, or hidden in part.
fn significant(number: &str) -> Option<&str> {
    const DIGITS: std::ops::RangeInclusive<usize> = 7..=20;
    const SIGNIFICANT: usize = 9;
    let digits = number.strip_prefix('+').unwrap_or(number);
    let is_number = DIGITS.contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_digit());
    is_number.then(|| digits.get(digits.len().saturating_sub(SIGNIFICANT)..)).flatten()
}

fn is_same_phone(one: &str, other: &str) -> bool {
    let ends = significant(one).zip(significant(other));
    ends.is_some_and(|(one, other)| one.ends_with(other) || other.ends_with(one))
}
