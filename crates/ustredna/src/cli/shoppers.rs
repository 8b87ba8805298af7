//! `ustredna shoppers`.

use anyhow::Context as _;
use clap::{Args, Subcommand};
use exchange::{
    model::{Language, ShopperId},
    number::PhoneNumber,
    pin::Pin,
};
use jiff::Timestamp;
use serde::Serialize;
use store::{NewShopper, ShopperChange};

use super::{
    desk::{Desk, yes_no},
    known, pin,
    table::Column::{Text, Time, Whole},
};
use crate::text;

pub(super) const EXAMPLES: &str = "\
Examples:
  ustredna shoppers
  ustredna shoppers add \"601 123 456\" --name \"Jana Nová\"
  ustredna shoppers set 601123456 --language en --pin
  ustredna shoppers set 601123456 --phone 602654321
  ustredna shoppers set 601123456 --inactive
  ustredna shoppers --json | jq -r 'select(.active) | .phone'";

const LIST: &str = "\
Examples:
  ustredna shoppers list
  ustredna shoppers list --json | jq -r 'select(.active) | .phone'";

const ADD: &str = "\
Standard input is read to its end of line for a PIN, so that no list of processes shows it.

Examples:
  ustredna shoppers add 601123456
  ustredna shoppers add \"+420 601 123 456\" --name \"Jana Nová\" --language en
  ustredna shoppers add 601123456 --pin
  pass show jana | ustredna shoppers add 601123456 --pin-stdin";

const SET: &str = "\
Examples:
  ustredna shoppers set 601123456 --name \"Jana Nováková\"
  ustredna shoppers set 601123456 --phone 602654321      she has another phone
  ustredna shoppers set 601123456 --language en --pin
  ustredna shoppers set 601123456 --no-pin
  ustredna shoppers set 601123456 --inactive";

#[derive(Debug, Args)]
pub(super) struct Shoppers {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    list: List,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List the shoppers
    #[command(after_help = LIST)]
    List(List),
    /// Add a shopper
    #[command(after_help = ADD)]
    Add(Add),
    /// Change a shopper
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
    /// The real phone number, in any usual form
    phone: String,
    /// A name for your lists
    #[arg(long, value_parser = text::read, allow_hyphen_values = true)]
    name: Option<String>,
    /// The language of the prompts: cs or en [default: exchange.language]
    #[arg(long)]
    language: Option<Language>,
    /// Ask for a PIN, which the hotlines will then ask for
    #[arg(long)]
    pin: bool,
    /// Read the PIN from standard input
    #[arg(long, conflicts_with = "pin")]
    pin_stdin: bool,
}

#[derive(Debug, Args)]
#[group(id = "change", required = true, multiple = true)]
#[expect(clippy::struct_excessive_bools, reason = "clap reads each option into a field")]
struct Change {
    /// The new phone number
    #[arg(long, value_name = "PHONE", allow_hyphen_values = true)]
    phone: Option<String>,
    /// A name for your lists
    #[arg(long, value_parser = text::read, allow_hyphen_values = true)]
    name: Option<String>,
    /// Remove the name
    #[arg(long, conflicts_with = "name")]
    no_name: bool,
    /// The language of the prompts: cs or en
    #[arg(long)]
    language: Option<Language>,
    /// Let the shopper use the exchange
    #[arg(long)]
    active: bool,
    /// Keep the shopper from using the exchange; dealers hear that their numbers are not in service
    #[arg(long, conflicts_with = "active")]
    inactive: bool,
    /// Ask for a new PIN; also lifts a lock after wrong ones
    #[arg(long)]
    pin: bool,
    /// Read the new PIN from standard input
    #[arg(long, conflicts_with = "pin")]
    pin_stdin: bool,
    /// Remove the PIN
    #[arg(long, conflicts_with_all = ["pin", "pin_stdin"])]
    no_pin: bool,
}

#[derive(Debug, Args)]
struct Set {
    /// The shopper's phone number
    #[arg(id = "shopper", value_name = "PHONE")]
    shopper: String,
    #[command(flatten)]
    change: Change,
}

impl Shoppers {
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

fn read_pin(ask: bool, stdin: bool) -> anyhow::Result<Option<Pin>> {
    match (ask, stdin) {
        (true, _) => pin::ask().map(Some),
        (false, true) => pin::from_stdin().map(Some),
        (false, false) => Ok(None),
    }
}

#[derive(Serialize)]
struct ShopperJson {
    id: ShopperId,
    phone: PhoneNumber,
    name: Option<String>,
    language: Language,
    active: bool,
    pin: bool,
    pin_locked_until: Option<Timestamp>,
    pairings: u32,
    created_at: Timestamp,
}

impl List {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let shoppers = desk.store().await?.shoppers().await?;
        let now = desk.now;
        if self.json {
            return desk.json(shoppers.into_iter().map(|shopper| ShopperJson {
                id: shopper.id,
                phone: shopper.phone,
                name: shopper.name,
                language: shopper.language,
                active: shopper.active,
                pin: shopper.has_pin,
                pin_locked_until: shopper.pin_locked_until.filter(|until| *until > now),
                pairings: shopper.pairings,
                created_at: shopper.created_at,
            }));
        }
        let rows: Vec<_> = shoppers
            .into_iter()
            .map(|shopper| {
                let locked = shopper.pin_locked_until.filter(|until| *until > now);
                let pin = match locked {
                    Some(until) => format!("locked until {}", desk.local(until)),
                    None => yes_no(shopper.has_pin),
                };
                [
                    desk.written(&shopper.phone),
                    shopper.name.unwrap_or_default(),
                    shopper.language.to_string(),
                    yes_no(shopper.active),
                    pin,
                    shopper.pairings.to_string(),
                ]
            })
            .collect();
        let columns = [
            Whole("PHONE"),
            Text("NAME"),
            Whole("LANGUAGE"),
            Whole("ACTIVE"),
            Time("PIN"),
            Whole("PAIRINGS"),
        ];
        let empty = "No shoppers yet: add one with `ustredna shoppers add` or `ustredna import`.";
        Ok(desk.table(columns, rows, empty)?)
    }
}

impl Add {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let phone = desk.own_phone(&self.phone)?;
        let written = desk.written(&phone);
        let new = NewShopper {
            phone,
            name: self.name,
            language: self.language.unwrap_or(desk.settings.exchange.language),
            pin: read_pin(self.pin, self.pin_stdin)?,
        };
        let store = desk.store_or_new().await?;
        store.add_shopper(&new, desk.now).await.with_context(|| format!("shopper {written}"))?;
        Ok(desk.line(&format!("Shopper {written} added."))?)
    }
}

impl Set {
    async fn run(self, desk: &mut Desk<'_>) -> anyhow::Result<()> {
        let shopper = desk.phone(&self.shopper)?;
        let Change { phone, name, no_name, language, active, inactive, pin, pin_stdin, no_pin } =
            self.change;
        let store = desk.store().await?;
        let change = ShopperChange {
            phone: phone.map(|text| desk.own_phone(&text)).transpose()?,
            name: if no_name { Some(None) } else { name.map(Some) },
            language,
            active: (active || inactive).then_some(active),
            pin: if no_pin { Some(None) } else { read_pin(pin, pin_stdin)?.map(Some) },
        };
        let written = desk.written(&shopper);
        known::shopper(desk, &store, &shopper).await?;
        store
            .change_shopper(&shopper, &change)
            .await
            .with_context(|| format!("shopper {written}"))?;
        Ok(desk.line(&format!("Shopper {written} changed."))?)
    }
}
