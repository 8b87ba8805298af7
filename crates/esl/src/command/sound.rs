use std::fmt;
use std::str::FromStr;

use nom::bytes::complete::{tag, take_while1};
use nom::character::complete::{char, u16, u32};
use nom::combinator::{all_consuming, map, map_res, opt};
use nom::multi::separated_list1;
use nom::sequence::{delimited, preceded};
use nom::{IResult, Parser, branch::alt};

use super::CommandError;
use super::value::Path;

/// Something to play.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Sound {
    /// A file as FreeSWITCH sees it.
    File(Path),
    /// Silence, in milliseconds.
    Silence(u32),
    /// A tone.
    Tone(Tone),
}

/// `tone_stream://%(on,off,frequency…);loops=n`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Tone {
    /// How long it sounds, in milliseconds.
    pub on_ms: u32,
    /// How long it pauses, in milliseconds.
    pub off_ms: u32,
    /// What sounds at once, in Hz.
    pub frequency: u16,
    /// A second frequency, in Hz.
    pub second_frequency: Option<u16>,
    /// How often.
    pub loops: u16,
}

/// Sounds one after another; a file that is missing is skipped.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Playlist(Vec<Sound>);

/// `file_string` splits into 128 (mod_dptools.c).
const MAX_SOUNDS: usize = 128;

impl Playlist {
    /// The sounds in this order.
    ///
    /// # Errors
    /// When there is none or more than 128.
    pub fn new(sounds: Vec<Sound>) -> Result<Self, CommandError> {
        if sounds.is_empty() || sounds.len() > MAX_SOUNDS {
            return Err(CommandError::ItemCount);
        }
        Ok(Self(sounds))
    }

    /// The sounds.
    #[must_use]
    pub fn sounds(&self) -> &[Sound] {
        &self.0
    }
}

impl From<Sound> for Playlist {
    fn from(sound: Sound) -> Self {
        Self(vec![sound])
    }
}

impl fmt::Display for Sound {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => f.write_str(path.as_str()),
            Self::Silence(ms) => write!(f, "silence_stream://{ms}"),
            Self::Tone(tone) => {
                let Tone { on_ms, off_ms, frequency, second_frequency, loops } = tone;
                write!(f, "tone_stream://%({on_ms},{off_ms},{frequency}")?;
                if let Some(second) = second_frequency {
                    write!(f, ",{second}")?;
                }
                f.write_str(")")?;
                if *loops == 1 { Ok(()) } else { write!(f, ";loops={loops}") }
            }
        }
    }
}

impl fmt::Display for Playlist {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (place, sound) in self.0.iter().enumerate() {
            let lead = if place > 0 {
                "!"
            } else if self.0.len() > 1 {
                "file_string://"
            } else {
                ""
            };
            write!(f, "{lead}{sound}")?;
        }
        Ok(())
    }
}

// playlist = [ "file_string://" ] sound *( "!" sound )
fn playlist(input: &str) -> IResult<&str, Vec<Sound>> {
    let chain = preceded(tag("file_string://"), separated_list1(char('!'), sound));
    all_consuming(alt((chain, map(sound, |sound| vec![sound])))).parse(input)
}

// sound   = silence / tone / path
// silence = "silence_stream://" number
// tone    = "tone_stream://%(" number "," number "," number [ "," number ] ")" [ ";loops=" number ]
// path    = 1*( ALPHA / DIGIT / "_" / "." / "/" / "-" )
fn sound(input: &str) -> IResult<&str, Sound> {
    let silence = preceded(tag("silence_stream://"), u32).map(Sound::Silence);
    let comma = || char(',');
    let spec = (u32, preceded(comma(), u32), preceded(comma(), u16), opt(preceded(comma(), u16)));
    let tone =
        (delimited(tag("tone_stream://%("), spec, char(')')), opt(preceded(tag(";loops="), u16)))
            .map(|((on_ms, off_ms, frequency, second_frequency), loops)| {
                let loops = loops.unwrap_or(1);
                Sound::Tone(Tone { on_ms, off_ms, frequency, second_frequency, loops })
            });
    let path = map_res(take_while1(|c| !matches!(c, '!' | ':')), Path::new).map(Sound::File);
    alt((silence, tone, path)).parse(input)
}

impl FromStr for Playlist {
    type Err = CommandError;

    /// Admits what [`Playlist`] writes.
    fn from_str(text: &str) -> Result<Self, CommandError> {
        let (_, sounds) = playlist(text).map_err(|_| CommandError::Sound)?;
        Self::new(sounds)
    }
}
