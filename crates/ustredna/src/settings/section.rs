//! What every section of the settings is: a table that knows its keys and their defaults.

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

        impl Default for $name {
            fn default() -> Self {
                Self { $($field: $default,)+ }
            }
        }
    };
}
