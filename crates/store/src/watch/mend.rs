//! What is done about a SQLite file that is not what was opened any more.

use std::{
    fs,
    io::{self, ErrorKind},
    path::{Path, PathBuf},
    sync::Arc,
    time::Duration,
};

use sqlx::Connection as _;
use tokio::time::Instant;

use super::{ASIDE, Found, Watch, beside, checkpoint, create, free_name};
use crate::{
    StoreError,
    backup::copy,
    connections::{Connections, Keeper},
    engine::Engine,
};

/// How long a file that is gone may take to be put back by somebody else.
const GRACE: Duration = Duration::from_secs(2);

/// Another program's checkpoint writes the header a moment before the pages it speaks of.
const SECOND_LOOK: Duration = Duration::from_millis(300);

/// Between two lines in the log while it cannot be opened.
const TELL_EVERY: Duration = Duration::from_mins(1);

/// Is added to the name of a database whose file was removed by the one that took its place.
const REPLACED: &str = ".replaced";

/// Opens what is there now in place of what was opened. It goes on should the caller break it off.
pub(crate) async fn mend(connections: &Arc<Connections>) -> Result<(), StoreError> {
    let connections = Arc::clone(connections);
    let mending = tokio::spawn(async move {
        let Some(watch) = &connections.watch else { return Ok(()) };
        let mut keeper = connections.keeper.lock().await;
        let done = connections.mend(watch, &mut keeper).await;
        keeper.tell(done.as_ref().err());
        done
    });
    mending.await.unwrap_or(Err(StoreError::NoAnswer))
}

impl Keeper {
    /// Says in the log what a try came to: what has changed, and once a minute what has not.
    fn tell(&mut self, error: Option<&StoreError>) {
        let now = Instant::now();
        let is_new = self.told.as_ref().map(|(told, _)| told) != error;
        let since = self.told.as_ref().map(|(_, since)| now.duration_since(*since));
        match error {
            None if is_new => tracing::info!("the database is open again"),
            Some(error) if is_new || since >= Some(TELL_EVERY) => {
                tracing::error!(%error, "the database cannot be opened again");
            }
            None | Some(_) => return,
        }
        self.told = error.map(|error| (error.clone(), now));
    }
}

impl Connections {
    async fn mend(&self, watch: &Watch, keeper: &mut Keeper) -> Result<(), StoreError> {
        let mut found = watch.look();
        if found == Found::Gone && !std::mem::replace(&mut keeper.has_waited, true) {
            tracing::error!(
                file = %watch.database.display(),
                "the database file is gone: it is written back if nobody else does"
            );
            tokio::time::sleep(GRACE).await;
            found = watch.look();
        }
        if matches!(found, Found::WrittenOver | Found::Cut) {
            tokio::time::sleep(SECOND_LOOK).await;
            found = watch.look();
        }
        let file = watch.database.display();
        match found {
            // Others have done it meanwhile.
            Found::Same if keeper.connection.is_some() => {
                keeper.has_waited = false;
                return Ok(());
            }
            Found::Same => {}
            Found::Gone if watch.is_unmounted() || keeper.connection.is_none() => {
                self.empty().await;
                if let Some(old) = keeper.connection.take() {
                    drop(old.close().await);
                }
                watch.forget();
                return Err(watch.gone());
            }
            Found::Gone => {
                self.empty().await;
                write_back(watch, keeper).await?;
                tracing::error!(%file, "the database file was gone and has been written back");
            }
            Found::Another => {
                // Until there is a better one, what was opened is kept.
                if let Some(old) = &mut keeper.connection {
                    self.identity.look_for_shoppers(old).await?;
                    let wal = watch.has_foreign_wal();
                    self.opening.examine(&watch.database, wal, &self.identity).await?;
                    if watch.is_nameless() {
                        let kept = free_name(&watch.database, REPLACED);
                        copy(old, &kept).await?;
                        tracing::error!(%file, kept = %kept.display(), "another file was put in the database's place; what was in it is kept");
                    }
                }
                self.empty().await;
                if let Some(mut old) = keeper.connection.take() {
                    if let Err(error) = checkpoint(&mut old).await {
                        tracing::warn!(%error, "the replaced database file lacks the latest changes");
                    }
                    drop(old.close().await);
                }
                watch.remove_orphans()?;
                tracing::warn!(%file, "the database file is another one now; it is opened");
            }
            Found::Torn => {
                self.empty().await;
                if let Some(mut old) = keeper.connection.take() {
                    if let Err(error) = checkpoint(&mut old).await {
                        // Nobody else has what is in it.
                        keeper.connection = Some(old);
                        return Err(error);
                    }
                    drop(old.close().await);
                }
                tracing::error!(%file, "the WAL of the database was taken away; it is made anew");
            }
            // The exchange's business.
            Found::WrittenOver | Found::Cut if !self.opening.serves() => {
                return Err(StoreError::NotADatabase);
            }
            Found::WrittenOver => self.set_aside(watch, keeper, false).await?,
            Found::Cut => self.set_aside(watch, keeper, true).await?,
        }
        if keeper.connection.is_none() {
            watch.let_go();
        }
        let mut opened = self.opening.first().await?;
        self.identity.check(Engine::Sqlite, &mut opened).await?;
        keeper.connection = Some(opened);
        watch.learn();
        self.change(self.opening.pools(&self.identity));
        keeper.has_waited = false;
        Ok(())
    }

    /// Sets aside a file that was written over, with its WAL. If the file by itself is whole (or with
    /// what is left of its WAL), a copy takes its place.
    async fn set_aside(
        &self,
        watch: &Watch,
        keeper: &mut Keeper,
        with_wal: bool,
    ) -> Result<(), StoreError> {
        self.empty().await;
        let told = |error: io::Error| StoreError::Files(error.to_string());
        let [database, rest @ ..] = watch.files();
        let fresh = beside(&database, ".copy");
        // Of an attempt that failed.
        drop(fs::remove_file(&fresh));
        let copied = create(&fresh).and_then(|()| fs::copy(&database, &fresh));
        let is_whole = match copied {
            Ok(_) if with_wal => self.join(&fresh, rest.first()).await,
            Ok(_) => Ok(()),
            Err(error) => Err(told(error)),
        };
        let is_whole = match is_whole {
            Ok(()) => self.opening.examine(&fresh, false, &self.identity).await,
            error => error,
        };
        let aside = free_name(&database, ASIDE);
        for (name, end) in rest.iter().zip(["-wal", "-shm"]) {
            match fs::rename(name, beside(&aside, end)) {
                Err(error) if error.kind() != ErrorKind::NotFound => return Err(told(error)),
                _ => {}
            }
        }
        fs::rename(&database, &aside).map_err(told)?;
        // The file that it writes to at its end is the one that was set aside.
        if let Some(old) = keeper.connection.take() {
            drop(old.close().await);
        }
        let (file, set_aside) = (database.display(), aside.display());
        if is_whole.is_ok() {
            fs::rename(&fresh, &database).map_err(told)?;
            if with_wal {
                tracing::error!(%file, %set_aside, "the WAL of the database was cut off while it was in use; what is left is opened");
            } else {
                tracing::error!(%file, %set_aside, "another copy was written over the database while it was in use; that copy is opened");
            }
            return Ok(());
        }
        drop(fs::remove_file(&fresh));
        watch.forget();
        watch.put_aside(Some(aside));
        Err(watch.gone())
    }
}

impl Connections {
    /// Brings what is left of a WAL into a copy of its database.
    async fn join(&self, copy: &Path, wal: Option<&PathBuf>) -> Result<(), StoreError> {
        let Some(wal) = wal else { return Ok(()) };
        let files = ["-wal", "-shm"].map(|end| beside(copy, end));
        let [own, _] = &files;
        fs::copy(wal, own).map_err(|error| StoreError::Files(error.to_string()))?;
        let joined = async {
            let mut connection = self.opening.at(copy)?.connect().await?;
            checkpoint(&mut connection).await?;
            Ok(connection.close().await?)
        };
        let joined = joined.await;
        for file in files {
            // SQLite has taken them away, if all is well.
            drop(fs::remove_file(file));
        }
        joined
    }
}

/// Writes all that the deleted file holds to a new one of its name.
async fn write_back(watch: &Watch, keeper: &mut Keeper) -> Result<(), StoreError> {
    let Some(old) = &mut keeper.connection else {
        return Err(StoreError::Gone(watch.database.clone()));
    };
    let fresh = beside(&watch.database, ".written-back");
    // Of an attempt that failed.
    drop(fs::remove_file(&fresh));
    copy(old, &fresh).await?;
    if let Some(old) = keeper.connection.take() {
        drop(old.close().await);
    }
    watch.remove_orphans()?;
    if !watch.database.exists() {
        fs::rename(&fresh, &watch.database)
            .map_err(|error| StoreError::Files(error.to_string()))?;
    }
    drop(fs::remove_file(&fresh));
    Ok(())
}
