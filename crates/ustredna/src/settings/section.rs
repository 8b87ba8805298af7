//! What every section of the settings is: a table that knows its keys and their defaults.

/// Whatever it is that is set.
pub(super) trait Section {
    /// Each key with its value as `Debug` shows it, which hides secrets and numbers.
    fn values(&self) -> Vec<(&'static str, String)>;
}

macro_rules! section {
    ($(#[$doc:meta])* $name:ident { $($(#[$fdoc:meta])* $field:ident: $kind:ty = $default:expr,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Deserialize)]
        #[serde(deny_unknown_fields, default)]
        pub(crate) struct $name { $($(#[$fdoc])* pub(crate) $field: $kind,)+ }

        impl $name {
            /// What may stand in it.
            pub(super) const KEYS: &'static [&'static str] = &[$(stringify!($field),)+];
        }

        impl crate::settings::section::Section for $name {
            fn values(&self) -> Vec<(&'static str, String)> {
                vec![$((stringify!($field), format!("{:?}", self.$field)),)+]
            }
        }

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }
    };
}
