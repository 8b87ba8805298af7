//! A while in which the database takes nothing.

use crate::{database::Held, world::World};

/// The database has a small disk of its own.
pub(super) const FOLDER: &str = "data";
pub(super) const DATABASE: &str = "sqlite://data/ustredna.db";

/// See the module.
pub(super) enum Spell {
    Full,
    Locked(Held),
}

impl Spell {
    /// Of four chances two are none.
    pub(super) fn begins(world: &World, chance: u64) -> Option<Self> {
        match chance {
            0 => {
                world.disk().fills();
                Some(Self::Full)
            }
            1 => Some(Self::Locked(Held::take_file(&world.dir().join(FOLDER).join("ustredna.db")))),
            _ => None,
        }
    }

    pub(super) fn is_lock(&self) -> bool {
        matches!(self, Self::Locked(_))
    }

    pub(super) fn ends(self, world: &World) {
        match self {
            Self::Full => world.disk().makes_room(),
            Self::Locked(held) => held.release(),
        }
    }
}
