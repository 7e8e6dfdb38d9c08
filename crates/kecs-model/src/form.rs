//! The forms that the generated files are written in.

/// Structures: each line is a field, its name on the wire, its type, and what the model demands of it.
macro_rules! structures {
    (@rules) => { $crate::shape::RULES };
    (@rules $rules:expr) => { $rules };
    ($($name:ident {
        $($field:ident $wire:literal : $type:ty $(=> $rules:expr)?,)*
    })*) => {
        $(
            #[derive(Debug, Clone, Default, PartialEq, serde::Serialize, serde::Deserialize)]
            pub struct $name {
                $(
                    #[serde(rename = $wire, skip_serializing_if = "Option::is_none")]
                    pub $field: Option<$type>,
                )*
            }

            impl $name {
                /// What it looks like on the wire.
                pub fn shape() -> &'static $crate::shape::Structure {
                    static SHAPE: $crate::shape::Structure = $crate::shape::Structure {
                        name: stringify!($name),
                        members: &[$(
                            $crate::shape::Member {
                                name: $wire,
                                kind: <$type as $crate::shape::Shape>::KIND,
                                rules: $crate::form::structures!(@rules $($rules)?),
                            },
                        )*],
                    };
                    &SHAPE
                }
            }

            impl $crate::shape::Shape for $name {
                const KIND: $crate::shape::Kind = $crate::shape::Kind::Structure($name::shape);
            }
        )*
    };
}

/// Enumerations: each line is a variant and its word on the wire.
macro_rules! enumerations {
    ($($name:ident { $($variant:ident $wire:literal,)* })*) => {
        $(
            #[derive(
                Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize,
            )]
            pub enum $name {
                $(
                    #[serde(rename = $wire)]
                    $variant,
                )*
            }

            impl $name {
                /// Every variant in the order of the model.
                pub const ALL: &'static [Self] = &[$(Self::$variant,)*];

                /// The word on the wire.
                pub const fn as_str(self) -> &'static str {
                    match self {
                        $(Self::$variant => $wire,)*
                    }
                }

                /// The variant that this word on the wire stands for.
                pub fn from_word(word: &str) -> Option<Self> {
                    Self::ALL.iter().copied().find(|variant| variant.as_str() == word)
                }
            }

            impl std::fmt::Display for $name {
                fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                    formatter.write_str(self.as_str())
                }
            }

            impl $crate::shape::Shape for $name {
                const KIND: $crate::shape::Kind = $crate::shape::Kind::Enum(&[$($wire,)*]);
            }
        )*
    };
}

/// Operations: the classic ones with input, output and errors, then the newer ones with their names alone.
macro_rules! operations {
    (
        classic { $($name:ident $input:ident $output:ident [$($error:ident)*],)* }
        newer { $($newer:ident [$($newer_error:ident)*],)* }
    ) => {
        /// An operation of the API. The classic ones have types and are served; of the newer ones only the names
        /// are known, so that a request for one of them is answered clearly.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum Operation {
            $($name,)*
            $($newer,)*
        }

        impl Operation {
            /// Every operation: the classic ones, then the newer ones, each part in alphabetical order.
            pub const ALL: &'static [Self] = &[$(Self::$name,)* $(Self::$newer,)*];

            /// Its name, as in the header `X-Amz-Target` after the dot.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$name => stringify!($name),)*
                    $(Self::$newer => stringify!($newer),)*
                }
            }

            /// Whether it has types here.
            pub const fn is_classic(self) -> bool {
                match self {
                    $(Self::$name)|* => true,
                    $(Self::$newer)|* => false,
                }
            }

            /// What its input looks like; nothing for a newer one.
            pub fn input(self) -> Option<&'static $crate::shape::Structure> {
                match self {
                    $(Self::$name => Some($crate::generated::$input::shape()),)*
                    $(Self::$newer)|* => None,
                }
            }

            /// What its output looks like; nothing for a newer one.
            pub fn output(self) -> Option<&'static $crate::shape::Structure> {
                match self {
                    $(Self::$name => Some($crate::generated::$output::shape()),)*
                    $(Self::$newer)|* => None,
                }
            }

            /// The exceptions that the model names for it.
            pub const fn errors(self) -> &'static [$crate::ErrorCode] {
                match self {
                    $(Self::$name => &[$($crate::ErrorCode::$error,)*],)*
                    $(Self::$newer => &[$($crate::ErrorCode::$newer_error,)*],)*
                }
            }

            /// Reads the input into its type and writes it again. Fails where the type refuses it, which it does
            /// not for what [`crate::check`] lets pass; nothing for a newer operation.
            pub fn normalize(self, input: serde_json::Value) -> Option<serde_json::Result<serde_json::Value>> {
                match self {
                    $(Self::$name => Some(
                        serde_json::from_value::<$crate::generated::$input>(input).and_then(serde_json::to_value),
                    ),)*
                    $(Self::$newer)|* => None,
                }
            }
        }

        $(impl $crate::operation::Input for $crate::generated::$input {
            type Output = $crate::generated::$output;
            const OPERATION: Operation = Operation::$name;
        })*
    };
}

pub(crate) use {enumerations, operations, structures};
