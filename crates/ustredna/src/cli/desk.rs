//! Where a command works: the settings it goes by, the moment it is given, and what it writes on.

use std::{
    io::{self, Write},
    sync::{Mutex, PoisonError},
};

use anyhow::Context as _;
use exchange::number::PhoneNumber;
use jiff::{Timestamp, tz::TimeZone};
use secrecy::ExposeSecret as _;
use serde::Serialize;
use store::{DamagedRow, Store, StoreError};

use super::table::{self, Column};
use crate::{settings::Settings, text::printable_lines};

pub(super) struct Desk<'a> {
    pub(super) settings: &'a Settings,
    pub(super) now: Timestamp,
    pub(super) out: &'a mut dyn Write,
    /// The state, once it is opened.
    opened: Mutex<Vec<Store>>,
}

impl<'a> Desk<'a> {
    pub(super) fn new(settings: &'a Settings, now: Timestamp, out: &'a mut dyn Write) -> Self {
        Self { settings, now, out, opened: Mutex::default() }
    }
}

impl Desk<'_> {
    /// Opens the state; a database that is not there yet is an error.
    pub(super) async fn store(&self) -> anyhow::Result<Store> {
        self.store_if_any().await.map_err(|error| self.of_database(error))
    }

    /// An error with the file that it is about, where it does not name it itself.
    pub(super) fn of_database(&self, error: StoreError) -> anyhow::Error {
        of_database(self.settings, error)
    }

    /// The same, for whoever wants to know why not.
    pub(super) async fn store_if_any(&self) -> Result<Store, StoreError> {
        let store = Store::open_existing(self.settings.database.url.expose_secret()).await?;
        Ok(self.keep(store))
    }

    /// Opens the state to copy it, whatever version of the program has made it.
    pub(super) async fn store_for_backup(&self) -> anyhow::Result<Store> {
        let opened = Store::open_for_backup(self.settings.database.url.expose_secret()).await;
        Ok(self.keep(opened.map_err(|error| self.of_database(error))?))
    }

    /// Opens the state, or begins it.
    pub(super) async fn store_or_new(&self) -> anyhow::Result<Store> {
        let opened = Store::open_or_begin(self.settings.database.url.expose_secret()).await;
        Ok(self.keep(opened.map_err(|error| self.of_database(error))?))
    }

    fn keep(&self, store: Store) -> Store {
        self.opened.lock().unwrap_or_else(PoisonError::into_inner).push(store.clone());
        store
    }

    /// Closes the state, so that its file can be copied.
    pub(super) async fn close(&mut self) {
        let opened = std::mem::take(self.opened.get_mut().unwrap_or_else(PoisonError::into_inner));
        for store in opened {
            // Should standard error be closed, there is nobody left to tell.
            drop(tell_damage(&store.damage()));
            store.close().await;
        }
    }

    pub(super) fn zone(&self) -> &TimeZone {
        &self.settings.exchange.timezone.0
    }

    /// Reads a number as people write it.
    pub(super) fn phone(&self, text: &str) -> anyhow::Result<PhoneNumber> {
        PhoneNumber::parse(text, self.settings.exchange.country.0)
            .with_context(|| format!("`{text}`"))
    }

    /// Reads a number that is to become a shopper's or a fictitious one, so none of the hotlines.
    pub(super) fn own_phone(&self, text: &str) -> anyhow::Result<PhoneNumber> {
        let number = self.phone(text)?;
        match hotline(self.settings, &number) {
            Some(problem) => anyhow::bail!("`{text}`: {problem}"),
            None => Ok(number),
        }
    }

    /// A number as people write it.
    pub(super) fn written(&self, number: &PhoneNumber) -> String {
        number.written(self.settings.exchange.country.0).to_owned()
    }

    /// The same, or nothing.
    pub(super) fn written_opt(&self, number: Option<&PhoneNumber>) -> String {
        number.map(|number| self.written(number)).unwrap_or_default()
    }

    /// A time where the exchange is.
    pub(super) fn local(&self, at: Timestamp) -> String {
        at.to_zoned(self.zone().clone()).strftime("%Y-%m-%d %H:%M:%S").to_string()
    }

    pub(super) fn local_opt(&self, at: Option<Timestamp>) -> String {
        at.map(|at| self.local(at)).unwrap_or_default()
    }

    pub(super) fn line(&mut self, text: &str) -> io::Result<()> {
        writeln!(self.out, "{}", printable_lines(text))
    }

    /// One JSON object a line.
    pub(super) fn json<T: Serialize>(
        &mut self,
        rows: impl IntoIterator<Item = T>,
    ) -> anyhow::Result<()> {
        for row in rows {
            writeln!(self.out, "{}", serde_json::to_string(&row)?)?;
        }
        Ok(())
    }

    /// A table as wide as the terminal, or as it needs where there is none; or `empty`.
    pub(super) fn table<const N: usize>(
        &mut self,
        columns: [Column; N],
        rows: impl IntoIterator<Item = [String; N]>,
        empty: &str,
    ) -> io::Result<()> {
        let mut rows = rows.into_iter().peekable();
        if rows.peek().is_none() {
            return self.line(empty);
        }
        for line in table::lines(columns, rows, table::room()) {
            self.line(&line)?;
        }
        Ok(())
    }
}

/// An error with the database's file, where it does not name it itself.
pub(super) fn of_database(settings: &Settings, error: StoreError) -> anyhow::Error {
    let file = store::file_of(settings.database.url.expose_secret());
    let told = error.to_string();
    match file.map(|file| file.display().to_string()) {
        Some(file) if !told.contains(&file) && !told.contains("database.url: ") => {
            anyhow::Error::new(error).context(file)
        }
        Some(_) | None => error.into(),
    }
}

/// Says on standard error what a list does not hold.
fn tell_damage(damage: &[DamagedRow]) -> io::Result<()> {
    for rows in damage.chunk_by(|one, next| one.table == next.table) {
        let Some(DamagedRow { table, id, column }) = rows.first() else { continue };
        let (rows, are) = match rows.len() {
            1 => ("1 row".to_owned(), "is"),
            count => (format!("{count} rows"), "are"),
        };
        let told = format!(
            "warning: {rows} of the table {table} cannot be read and {are} left out \
             (id {id}, column {column}): see `ustredna check` for what to do"
        );
        writeln!(io::stderr(), "{}", printable_lines(&told))?;
    }
    Ok(())
}

/// What is wrong with a shopper's or a fictitious number that is one of the hotlines.
pub(super) fn hotline(settings: &Settings, number: &PhoneNumber) -> Option<&'static str> {
    if *number == settings.exchange.outbound_hotline {
        Some("this is the outbound hotline (exchange.outbound_hotline)")
    } else if *number == settings.exchange.callback_hotline {
        Some("this is the callback hotline (exchange.callback_hotline)")
    } else {
        None
    }
}

pub(super) fn yes_no(yes: bool) -> String {
    if yes { "yes" } else { "no" }.to_owned()
}
