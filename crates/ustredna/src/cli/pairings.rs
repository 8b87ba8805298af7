//! `ustredna pairings`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use exchange::{
    model::{PairingId, PairingNumber},
    number::PhoneNumber,
};
use jiff::Timestamp;
use serde::Serialize;
use store::{Filter, NewPairing, PairingChange, PairingRow};

use super::{
    desk::Desk,
    filter::narrowed,
    known,
    table::Column::{Text, Time, Whole},
    when::{self, Edge},
};
use crate::text;

pub(super) const EXAMPLES: &str = "\
IDs are stable: ending pairing 1 leaves 2 as it is. An ID that was ended is given to another number
by itself only after 90 days, for shoppers may still have it on paper; with --id at once.

Examples:
  ustredna pairings --shopper 601123456
  ustredna pairings add 601123456 777000111 --project Banks --to 2026-12-31
  ustredna pairings set 601123456 2 --no-to
  ustredna pairings end 601123456 1
  ustredna pairings --ended --json";

const LIST: &str = "\
Examples:
  ustredna pairings list
  ustredna pairings list --shopper 601123456 --ended
  ustredna pairings list --project Banks --json | jq -r .fictitious_number";

const ADD: &str = "\
The shopper and the number must be known: `ustredna shoppers add`, `ustredna numbers add`.

Examples:
  ustredna pairings add 601123456 777000111
  ustredna pairings add 601123456 777000111 --id 7 --project Banks
  ustredna pairings add 601123456 777000111 --from 2026-12-01 --to 2026-12-31
  ustredna pairings add 601123456 777000111 --to \"2026-12-31 18:00\"";

const SET: &str = "\
Examples:
  ustredna pairings set 601123456 2 --project Cars
  ustredna pairings set 601123456 2 --to 2027-01-31      longer, to the end of that day
  ustredna pairings set 601123456 2 --no-from --no-to";

const END: &str = "\
What was recorded and written stays. Nobody reaches anybody by this pairing from now on.

Examples:
  ustredna pairings end 601123456 1
  ustredna pairings end \"+420 601 123 456\" 1";

#[derive(Debug, Args)]
pub(super) struct Pairings {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the pairings
    #[command(after_help = LIST)]
    List(List),
    /// Give a fictitious number to a shopper
    #[command(after_help = ADD)]
    Add(Add),
    /// Change the project or the time of a pairing
    #[command(after_help = SET)]
    Set(Set),
    /// End a pairing now: its open tickets are cancelled, other IDs stay
    #[command(after_help = END)]
    End(Which),
}

#[derive(Debug, Default, PartialEq, Args)]
struct List {
    /// Only of the shopper with this phone
    #[arg(long, value_name = "PHONE", allow_hyphen_values = true)]
    shopper: Option<String>,
    /// Only of this project
    #[arg(long, allow_hyphen_values = true)]
    project: Option<String>,
    /// Also those that were ended
    #[arg(long)]
    ended: bool,
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Add {
    /// The shopper's phone number
    shopper: String,
    /// The fictitious number
    number: String,
    /// The ID that the shopper keys, 1 to 999 [default: after the highest that the shopper has
    /// or had in the last 90 days]
    #[arg(long, value_parser = pairing_number, allow_hyphen_values = true)]
    id: Option<PairingNumber>,
    /// The project
    #[arg(long, value_parser = text::read, allow_hyphen_values = true)]
    project: Option<String>,
    /// From when on, a date or a time [default: at once]
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    from: Option<String>,
    /// Until when, a date (the whole day) or a time [default: until it is ended]
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    to: Option<String>,
}

#[derive(Debug, Args)]
struct Which {
    /// The shopper's phone number
    shopper: String,
    /// The pairing's ID
    #[arg(value_parser = pairing_number, allow_negative_numbers = true)]
    id: PairingNumber,
}

#[derive(Debug, Args)]
struct Set {
    #[command(flatten)]
    which: Which,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
#[group(id = "change", required = true, multiple = true)]
struct Change {
    /// The project
    #[arg(long, value_parser = text::read, allow_hyphen_values = true)]
    project: Option<String>,
    /// Remove the project
    #[arg(long, conflicts_with = "project")]
    no_project: bool,
    /// From when on, a date or a time
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    from: Option<String>,
    /// From its making on
    #[arg(long, conflicts_with = "from")]
    no_from: bool,
    /// Until when, a date (the whole day) or a time
    #[arg(long, value_name = "WHEN", allow_hyphen_values = true)]
    to: Option<String>,
    /// Until it is ended
    #[arg(long, conflicts_with = "to")]
    no_to: bool,
}

fn pairing_number(text: &str) -> Result<PairingNumber, String> {
    text.parse()
        .ok()
        .and_then(PairingNumber::new)
        .ok_or_else(|| "write an ID, a number from 1 to 999".to_owned())
}

impl Pairings {
    /// Whether options of the list stand before another word, where they would mean nothing.
    pub(super) fn misplaced(&self) -> bool {
        self.action.is_some() && self.list != List::default()
    }

    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        match self.action.unwrap_or(Action::List(self.list)) {
            Action::List(list) => list.run(desk).await,
            Action::Add(add) => add.run(desk).await,
            Action::Set(set) => set.run(desk).await,
            Action::End(which) => which.end(desk).await,
        }
    }
}

#[derive(Serialize)]
struct PairingJson {
    id: PairingNumber,
    shopper: PhoneNumber,
    shopper_name: Option<String>,
    fictitious_number: PhoneNumber,
    project: Option<String>,
    valid_from: Option<Timestamp>,
    valid_to: Option<Timestamp>,
    state: &'static str,
    /// Who is, if the state is.
    inactive: Option<&'static str>,
    created_at: Timestamp,
    ended_at: Option<Timestamp>,
    pairing: PairingId,
}

/// Whether a pairing works at the moment.
fn state(pairing: &PairingRow, now: Timestamp) -> &'static str {
    if pairing.ended_at.is_some() {
        "ended"
    } else if pairing.valid_to.is_some_and(|until| until <= now) {
        "over"
    } else if inactive(pairing).is_some() {
        "inactive"
    } else if pairing.valid_from.is_some_and(|from| from > now) {
        "not_yet"
    } else {
        "active"
    }
}

/// Who is switched off, so that the pairing does not work whatever its time.
fn inactive(pairing: &PairingRow) -> Option<&'static str> {
    match (pairing.shopper_active, pairing.number_active) {
        (true, true) => None,
        (false, true) => Some("shopper"),
        (true, false) => Some("number"),
        (false, false) => Some("shopper and number"),
    }
}

impl List {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let shopper = self.shopper.as_deref().map(|text| desk.phone(text)).transpose()?;
        let mut filter = Filter { shopper, project: self.project, ..Filter::default() };
        let store = desk.store().await?;
        narrowed(desk, &store, &mut filter).await?;
        let pairings = store.pairings(&filter, self.ended).await?;
        // Of a list that is empty is told whether there ever was one.
        let some_ended =
            pairings.is_empty() && !self.json && !store.pairings(&filter, true).await?.is_empty();
        let now = desk.now;
        if self.json {
            return desk.json(pairings.into_iter().map(|pairing| PairingJson {
                state: state(&pairing, now),
                inactive: inactive(&pairing).filter(|_| state(&pairing, now) == "inactive"),
                id: pairing.number,
                shopper: pairing.shopper,
                shopper_name: pairing.shopper_name,
                fictitious_number: pairing.fictitious_number,
                project: pairing.project,
                valid_from: pairing.valid_from,
                valid_to: pairing.valid_to,
                created_at: pairing.created_at,
                ended_at: pairing.ended_at,
                pairing: pairing.id,
            }));
        }
        let rows: Vec<_> = pairings
            .into_iter()
            .map(|pairing| {
                let state = match (state(&pairing, now), inactive(&pairing)) {
                    ("inactive", Some(who)) => format!("inactive {who}"),
                    (state, _) => state.replace('_', " "),
                };
                let at = |at: Option<Timestamp>, edge| {
                    at.map(|at| when::written(at, desk.zone(), edge)).unwrap_or_default()
                };
                [
                    desk.written(&pairing.shopper),
                    pairing.shopper_name.unwrap_or_default(),
                    pairing.number.to_string(),
                    desk.written(&pairing.fictitious_number),
                    pairing.project.unwrap_or_default(),
                    at(pairing.valid_from, Edge::Start),
                    at(pairing.valid_to, Edge::End),
                    state,
                ]
            })
            .collect();
        let columns = [
            Whole("SHOPPER"),
            Text("NAME"),
            Whole("ID"),
            Whole("NUMBER"),
            Text("PROJECT"),
            Time("FROM"),
            Time("TO"),
            Text("STATE"),
        ];
        let empty = if some_ended {
            "No pairings now: `ustredna pairings --ended` lists those that are over."
        } else if filter.shopper.is_some() || filter.project.is_some() {
            "No such pairings."
        } else {
            "No pairings yet: add one with `ustredna pairings add` or `ustredna import`."
        };
        Ok(desk.table(columns, rows, empty)?)
    }
}

impl Add {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let at = |text: Option<String>, edge| {
            text.map(|text| when::moment(&text, desk.zone(), edge)).transpose()
        };
        let pairing = NewPairing {
            shopper: desk.phone(&self.shopper)?,
            fictitious_number: desk.phone(&self.number)?,
            number: self.id,
            project: self.project,
            valid_from: at(self.from, Edge::Start).context("--from")?,
            valid_to: at(self.to, Edge::End).context("--to")?,
        };
        let shopper = desk.written(&pairing.shopper);
        let number = desk.written(&pairing.fictitious_number);
        let store = desk.store().await?;
        known::shopper(desk, &store, &pairing.shopper).await?;
        known::number(desk, &store, &pairing.fictitious_number).await?;
        let id = store
            .add_pairing(&pairing, desk.now)
            .await
            .with_context(|| format!("shopper {shopper} with number {number}"))?;
        Ok(desk.line(&format!("Shopper {shopper} has number {number} as ID {id}."))?)
    }
}

impl Set {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let shopper = desk.phone(&self.which.shopper)?;
        let change = {
            let Change { project, no_project, from, no_from, to, no_to } = self.change;
            let at = |text: Option<String>, none: bool, edge| {
                if none {
                    return Ok(Some(None));
                }
                text.map(|text| when::moment(&text, desk.zone(), edge).map(Some)).transpose()
            };
            PairingChange {
                project: if no_project { Some(None) } else { project.map(Some) },
                valid_from: at(from, no_from, Edge::Start).context("--from")?,
                valid_to: at(to, no_to, Edge::End).context("--to")?,
            }
        };
        let told = told(desk, &shopper, self.which.id);
        let store = desk.store().await?;
        known::pairing(desk, &store, &shopper, self.which.id).await?;
        store
            .change_pairing(&shopper, self.which.id, &change)
            .await
            .with_context(|| told.clone())?;
        Ok(desk.line(&format!("{told} changed."))?)
    }
}

impl Which {
    async fn end(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let shopper = desk.phone(&self.shopper)?;
        let told = told(desk, &shopper, self.id);
        let store = desk.store().await?;
        known::pairing(desk, &store, &shopper, self.id).await?;
        store.end_pairing(&shopper, self.id, desk.now).await.with_context(|| told.clone())?;
        Ok(desk.line(&format!("{told} ended."))?)
    }
}

fn told(desk: &Desk<'_>, shopper: &PhoneNumber, id: PairingNumber) -> String {
    format!("Pairing {id} of shopper {}", desk.written(shopper))
}
