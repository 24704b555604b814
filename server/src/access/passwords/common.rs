//! Whether a password is made of what guessers try first.
//!
//! Lists of leaked passwords are long, but those of twelve characters and more are nearly all built from a few hundred
//! pieces: a well-known word, a row of keys, a count, a repetition. So this looks for the pieces: when hardly anything is
//! left beside them, the password is common, however it is put together.

/// Characters beside the common pieces that make a password a person's own.
const OWN_MIN: usize = 5;
/// A row of keys or a repetition counts from this length.
const RUN_MIN: usize = 3;

/// Keys beside each other, letters and figures in order; read in both directions.
const ROWS: [&str; 7] = [
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
    "1234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "1qaz2wsx3edc4rfv5tgb6yhn",
    "0123456789",
];

/// Words of the most common passwords, in English and from the places where this runs. Lower case, letters only.
const WORDS: &str = "\
    access account admin administrator adobe alexander amanda andrea andrew angel angela animal anthony apple arsenal \
    ashley august austin autumn awesome babygirl bailey banana barney baseball basketball batman beautiful benjamin blink \
    breach bubbles business buster butterfly carlos changeit changeme charlie cheese chelsea chester chicken chocolate \
    christmas cocacola computer connect controller cookie corporate correcthorsebatterystaple coventry cowboys crystal daniel \
    december default diamond dolphin donald dragon eastern elephant elizabeth england everton facebook family february \
    flower football forever freedom friday friends fuckyou gateway george ginger google guest hannah hardcore harley hello \
    helpdesk house hunter iloveu iloveyou internet january jasmine jennifer jessica jordan joseph joshua justin killer \
    lastfm letmein linkedin liverpool login london loveme lovely loveyou maggie manager manchester master matthew \
    mercedes michael michelle microsoft monday monkey mother mustang myspace mysociety natasha newcastle nicholas nicole \
    ninja november october office orange passw0rd password passwort patrick peanut pepper phoenix please pokemon princess \
    private public purple qazwsx rainbow rangers robert rockyou root samantha samsung saturday scotland secret security \
    september server shadow sharon silver snoopy soccer spiderman spring starwars steven strawberry success summer sunday \
    sunshine superman supervisor support system temporary thomas thunder thursday tigger tinkerbell tocsin tottenham trustno \
    tuesday united unknown user wales wednesday welcome whatever william windows winter yellow";

/// Whether hardly anything is left beside common pieces, as typed or with the usual figures read as letters.
pub(super) fn is_common(password: &str) -> bool {
    let typed: Vec<char> = password.chars().flat_map(char::to_lowercase).collect();
    let as_letters: Vec<char> = typed.iter().map(|c| letter(*c)).collect();
    [typed, as_letters].into_iter().any(|chars| {
        let chars: Vec<char> = chars.into_iter().filter(|c| c.is_alphanumeric()).collect();
        own(&chars) < OWN_MIN || repeats(&chars)
    })
}

/// Figures and signs that stand for letters.
const fn letter(c: char) -> char {
    match c {
        '@' | '4' => 'a',
        '3' => 'e',
        '1' | '!' => 'i',
        '0' => 'o',
        '5' | '$' => 's',
        '7' => 't',
        other => other,
    }
}

/// How many characters belong to no common piece.
fn own(chars: &[char]) -> usize {
    let mut own = 0;
    let mut rest = chars;
    while !rest.is_empty() {
        let piece = piece(rest);
        if piece == 0 {
            own += 1;
        }
        rest = rest.get(piece.max(1)..).unwrap_or_default();
    }
    own
}

/// The length of the longest common piece at the start; 0 when there is none.
fn piece(chars: &[char]) -> usize {
    let text: String = chars.iter().collect();
    let word = WORDS.split_whitespace().filter(|word| text.starts_with(word)).map(str::len).max().unwrap_or(0);
    let same = chars.iter().take_while(|c| chars.first() == Some(c)).count();
    let row = ROWS.iter().map(|row| run(chars, row)).max().unwrap_or(0);
    let run = same.max(row);
    word.max(if run < RUN_MIN { 0 } else { run })
}

/// How many characters at the start follow a row, forwards or backwards.
fn run(chars: &[char], row: &str) -> usize {
    let longest = |row: &[char]| {
        let starts = 0..row.len();
        let follows = |from: usize| {
            let there = row.iter().skip(from);
            chars.iter().zip(there).take_while(|(a, b)| a == b).count()
        };
        starts.map(follows).max().unwrap_or(0)
    };
    let forwards: Vec<char> = row.chars().collect();
    let backwards: Vec<char> = row.chars().rev().collect();
    longest(&forwards).max(longest(&backwards))
}

/// Whether the whole is one short piece again and again, or has hardly any different characters.
fn repeats(chars: &[char]) -> bool {
    let again = |length: &usize| chars.iter().zip(chars.iter().skip(*length)).all(|(a, b)| a == b);
    let mut different = chars.to_vec();
    different.sort_unstable();
    different.dedup();
    different.len() < OWN_MIN || (1..=6).any(|length| length * 2 <= chars.len() && again(&length))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Aim: what leaks show again and again is common, in every usual disguise.
    #[test]
    fn common_ones() {
        for password in [
            "Password1234!",
            "P@ssw0rd1234",
            "passwordpassword",
            "qwertyuiop123",
            "123456789012",
            "1q2w3e1q2w3e1q2w3e",
            "Summer2024!!!",
            "iloveyou1234567",
            "aaaaaaaaaaaa",
            "abababababab",
            "LetMeIn!LetMeIn!",
            "Liverpool2025",
            "zxcvbnm,./zxcvbnm",
            "correct horse battery staple",
            "football-monkey",
        ] {
            assert!(is_common(password), "{password}");
        }
    }

    /// Aim: what a person or a program makes up is not.
    #[test]
    fn uncommon_ones() {
        for password in [
            "lantern gravel otter",
            "my dog ate a blue kite",
            "Xk9-fwTz-77qd-mmLp",
            "password of the seven owls",
            "\u{436}\u{443}\u{43a} \u{438} \u{43b}\u{430}\u{43c}\u{43f}\u{430} \u{434}\u{43e}\u{43c}\u{430}",
        ] {
            assert!(!is_common(password), "{password}");
        }
    }
}
