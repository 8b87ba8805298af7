//! `ustredna numbers`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use exchange::{model::PairingNumber, number::PhoneNumber};
use jiff::Timestamp;
use serde::Serialize;
use store::NumberChange;

use super::{
    desk::{Desk, yes_no},
    known,
    table::Column::{Text, Whole},
};
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  ustredna numbers
  ustredna numbers add \"777 000 111\" --note \"SIM in the second rack\"
  ustredna numbers set 777000111 --inactive
  ustredna numbers --json | jq -r 'select(.shopper == null) | .number'    the free ones";

const LIST: &str = "\
Examples:
  ustredna numbers list
  ustredna numbers list --json | jq -r 'select(.shopper == null) | .number'    the free ones";

const ADD: &str = "\
A number is given to a shopper with `ustredna pairings add`.

Examples:
  ustredna numbers add 777000111
  ustredna numbers add \"+420 777 000 111\" --note \"SIM in the second rack\"";

const SET: &str = "\
Examples:
  ustredna numbers set 777000111 --note \"SIM in the third rack\"
  ustredna numbers set 777000111 --no-note
  ustredna numbers set 777000111 --inactive
  ustredna numbers set 777000111 --active";

#[derive(Debug, Args)]
pub(super) struct Numbers {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the fictitious numbers
    #[command(after_help = LIST)]
    List(List),
    /// Add a fictitious number
    #[command(after_help = ADD)]
    Add(Add),
    /// Change a fictitious number
    #[command(after_help = SET)]
    Set(Set),
}

#[derive(Debug, Default, PartialEq, Args)]
struct List {
    /// One JSON object a line
    #[arg(long)]
    json: bool,
}

#[derive(Debug, Args)]
struct Add {
    /// The number, in any usual form
    number: String,
    /// A note for your lists
    #[arg(long, value_parser = text::read, allow_hyphen_values = true)]
    note: Option<String>,
}

#[derive(Debug, Args)]
struct Set {
    /// The number
    number: String,
    #[command(flatten)]
    change: Change,
}

#[derive(Debug, Args)]
#[group(id = "change", required = true, multiple = true)]
struct Change {
    /// A note for your lists
    #[arg(long, value_parser = text::read, allow_hyphen_values = true)]
    note: Option<String>,
    /// Remove the note
    #[arg(long, conflicts_with = "note")]
    no_note: bool,
    /// Switch the number on
    #[arg(long)]
    active: bool,
    /// Switch the number off: it is neither shown nor does it ring anybody
    #[arg(long, conflicts_with = "active")]
    inactive: bool,
}

impl Numbers {
    /// Whether options of the list stand before another word, where they would mean nothing.
    pub(super) fn misplaced(&self) -> bool {
        self.action.is_some() && self.list != List::default()
    }

    pub(super) async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        match self.action.unwrap_or(Action::List(self.list)) {
            Action::List(list) => list.run(desk).await,
            Action::Add(add) => add.run(desk).await,
            Action::Set(set) => set.run(desk).await,
        }
    }
}

#[derive(Serialize)]
struct NumberJson {
    number: PhoneNumber,
    active: bool,
    note: Option<String>,
    shopper: Option<PhoneNumber>,
    id: Option<PairingNumber>,
    created_at: Timestamp,
}

impl List {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let numbers = desk.store().await?.numbers().await?;
        if self.json {
            return desk.json(numbers.into_iter().map(|number| NumberJson {
                number: number.number,
                active: number.active,
                note: number.note,
                shopper: number.shopper,
                id: number.pairing,
                created_at: number.created_at,
            }));
        }
        let rows: Vec<_> = numbers
            .into_iter()
            .map(|number| {
                [
                    desk.written(&number.number),
                    yes_no(number.active),
                    desk.written_opt(number.shopper.as_ref()),
                    number.pairing.map(|id| id.to_string()).unwrap_or_default(),
                    number.note.unwrap_or_default(),
                ]
            })
            .collect();
        let empty =
            "No fictitious numbers yet: add one with `ustredna numbers add` or `ustredna import`.";
        let columns =
            [Whole("NUMBER"), Whole("ACTIVE"), Whole("SHOPPER"), Whole("ID"), Text("NOTE")];
        Ok(desk.table(columns, rows, empty)?)
    }
}

impl Add {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let number = desk.own_phone(&self.number)?;
        let written = desk.written(&number);
        let store = desk.store_or_new().await?;
        store
            .add_number(&number, self.note.as_deref(), desk.now)
            .await
            .with_context(|| format!("fictitious number {written}"))?;
        Ok(desk.line(&format!("Fictitious number {written} added."))?)
    }
}

impl Set {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let number = desk.phone(&self.number)?;
        let written = desk.written(&number);
        let Change { note, no_note, active, inactive } = self.change;
        let change = NumberChange {
            active: (active || inactive).then_some(active),
            note: if no_note { Some(None) } else { note.map(Some) },
        };
        let store = desk.store().await?;
        known::number(desk, &store, &number).await?;
        store
            .change_number(&number, &change)
            .await
            .with_context(|| format!("fictitious number {written}"))?;
        Ok(desk.line(&format!("Fictitious number {written} changed."))?)
    }
}
