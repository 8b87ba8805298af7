//! Whom and what a command may name: what is not known is an error that tells what may be meant.

use anyhow::{anyhow, bail};
use exchange::{model::PairingNumber, number::PhoneNumber};
use store::{Filter, Store};

use super::desk::Desk;
use crate::{nearest::nearest, text::visible};

/// So many names are told to choose from; more are found in their list.
const FEW: usize = 8;

/// A shopper with this phone is known.
pub(super) async fn shopper(
    desk: &Desk<'_>,
    store: &Store,
    phone: &PhoneNumber,
) -> anyhow::Result<()> {
    let phones: Vec<_> = store.shoppers().await?.into_iter().map(|row| row.phone).collect();
    if phones.contains(phone) {
        return Ok(());
    }
    let meant = alike(desk, phone, &phones);
    Err(anyhow!(
        "shopper {}: no such shopper{meant} (see `ustredna shoppers`)",
        desk.written(phone)
    ))
}

/// This is one of the exchange's fictitious numbers.
pub(super) async fn number(
    desk: &Desk<'_>,
    store: &Store,
    number: &PhoneNumber,
) -> anyhow::Result<()> {
    let numbers: Vec<_> = store.numbers().await?.into_iter().map(|row| row.number).collect();
    if numbers.contains(number) {
        return Ok(());
    }
    let (written, meant) = (desk.written(number), alike(desk, number, &numbers));
    bail!("fictitious number {written}: no such fictitious number{meant} (see `ustredna numbers`)")
}

/// The shopper has a pairing under this ID.
pub(super) async fn pairing(
    desk: &Desk<'_>,
    store: &Store,
    phone: &PhoneNumber,
    id: PairingNumber,
) -> anyhow::Result<()> {
    shopper(desk, store, phone).await?;
    let filter = Filter { shopper: Some(phone.clone()), ..Filter::default() };
    let ids: Vec<_> =
        store.pairings(&filter, false).await?.into_iter().map(|pairing| pairing.number).collect();
    if ids.contains(&id) {
        return Ok(());
    }
    let has = match ids.as_slice() {
        [] => "has none".to_owned(),
        [only] => format!("has ID {only} alone"),
        ids => format!("has the IDs {}", few(ids.iter().map(ToString::to_string))),
    };
    bail!("Pairing {id} of shopper {}: no such pairing; the shopper {has}", desk.written(phone))
}

/// A pairing, be it an ended one, belongs to this project: as it is written, or else as it would have
/// been stored if it had been written so.
pub(super) async fn project(store: &Store, project: &str) -> anyhow::Result<String> {
    let projects = store.projects().await?;
    for written in [project, &visible(project)] {
        if projects.iter().any(|known| known == written) {
            return Ok(written.to_owned());
        }
    }
    let known = match (nearest(project, projects.iter().map(String::as_str)), projects.len()) {
        (Some(meant), _) => format!("; did you mean `{meant}`?"),
        (None, 0) => String::new(),
        (None, _) => format!("; there are {}", few(projects.iter().map(|p| format!("`{p}`")))),
    };
    bail!("--project `{project}`: no pairing has this project{known}")
}

/// The known number that somebody may have mistyped.
fn alike(desk: &Desk<'_>, given: &PhoneNumber, known: &[PhoneNumber]) -> String {
    // Two digits at most: numbers of a series differ in few as well.
    let digits = |number: &PhoneNumber| number.as_str().to_owned();
    let near: Vec<_> = known
        .iter()
        .filter(|number| strsim::osa_distance(&digits(number), &digits(given)) <= 2)
        .map(|number| desk.written(number))
        .collect();
    match near.as_slice() {
        [] => String::new(),
        near if near.len() <= FEW => format!("; did you mean {}?", near.join(" or ")),
        _ => String::new(),
    }
}

fn few(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<_> = names.take(FEW + 1).collect();
    if names.len() > FEW {
        names.truncate(FEW);
        names.push("others".to_owned());
    }
    names.join(", ")
}
