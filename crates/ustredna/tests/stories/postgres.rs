//! The same stories with the state in PostgreSQL: in a schema for each, of the database that
//! `USTREDNA_TEST_POSTGRES` names.

use libtest_mimic::{Failed, Trial};
use sqlx::{AnyConnection, AssertSqlSafe, Connection as _, Executor as _};
use tokio::runtime::Builder;
use uuid::Uuid;

use crate::{language::Tale, play, telling};

/// All stories. They are ignored unless asked for, since not every machine has a PostgreSQL.
pub(crate) fn all() -> impl Iterator<Item = Trial> {
    telling::all().into_iter().map(|tale| {
        let title = format!("postgres::{}", tale.title());
        Trial::test(title, move || on_postgres(tale)).with_ignored_flag(true)
    })
}

fn on_postgres(mut tale: Tale) -> Result<(), Failed> {
    let database = std::env::var("USTREDNA_TEST_POSTGRES").map_err(
        |_| "USTREDNA_TEST_POSTGRES must hold the URL of a PostgreSQL database for tests",
    )?;
    let schema = format!("story{}", Uuid::new_v4().simple());
    run(&database, format!("CREATE SCHEMA {schema}"))?;
    let joint = if database.contains('?') { '&' } else { '?' };
    let url = format!("{database}{joint}options=-c%20search_path%3D{schema}");
    tale.setup.settings.push(("database.url", url.leak()));
    let played = play(&tale);
    run(&database, format!("DROP SCHEMA {schema} CASCADE"))?;
    played
}

fn run(database: &str, sql: String) -> Result<(), Failed> {
    sqlx::any::install_default_drivers();
    let runtime = Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let mut connection = AnyConnection::connect(database).await?;
        connection.execute(AssertSqlSafe(sql)).await?;
        Ok(connection.close().await?)
    })
}
