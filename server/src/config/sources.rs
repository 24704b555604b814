//! Where settings come from: the command line, else a variable, else the settings file.
//!
//! All three become one command line, which is read again without what was wrong with it until nothing is. So every fault
//! is found in one go and each is told with where it stands.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use clap::error::{ContextKind, ContextValue, ErrorKind};
use clap::{Arg, ArgAction, CommandFactory as _, FromArgMatches as _};
use zeroize::Zeroizing;

use super::{Cli, Fault, VariableSecret};

/// The longest settings file, in octets.
const FILE_OCTETS_MAX: u64 = 262_144;
/// Faults in one command line; more are found when these are mended.
const FAULTS_MAX: usize = 50;
/// The setting that names the settings file.
const SETTINGS: &str = "settings";
/// The variable that holds the data key.
const DATA_KEY_VARIABLE: &str = "TOCSIN_DATA_KEY";
/// The variable that holds the password at the mail server.
const MAIL_PASSWORD_VARIABLE: &str = "TOCSIN_MAIL_PASSWORD";

/// What reading the settings came to.
#[derive(Debug)]
pub enum Reading {
    /// A command with settings that can be used.
    Run(Box<Cli>),
    /// Help or the version was asked for: the text.
    Show(String),
    /// Everything that is wrong.
    Wrong(Vec<Fault>),
}

/// Reads the settings of this process.
#[must_use]
#[expect(clippy::disallowed_methods, reason = "the one place where variables are read")]
pub fn read() -> Reading {
    read_from(std::env::args_os().collect(), &|name| std::env::var_os(name))
}

/// Reads settings from arguments, the program's name first, and variables.
pub(super) fn read_from(arguments: Vec<OsString>, variable: &dyn Fn(&str) -> Option<OsString>) -> Reading {
    let mut sources = Sources::new(arguments, variable);
    sources.add_variables();
    sources.add_file();
    let mut cli = match sources.parse() {
        Ok(Parsed::Cli(cli)) => Some(cli),
        Ok(Parsed::Nothing) => None,
        Err(shown) => return Reading::Show(shown),
    };
    let mut faults = sources.faults;
    if let Some(cli) = &mut cli {
        if let Some(node) = cli.command.node_mut() {
            node.data_key_variable = secret(variable, DATA_KEY_VARIABLE);
        }
        if let Some(mail) = cli.command.mail_mut() {
            mail.mail_password_variable = secret(variable, MAIL_PASSWORD_VARIABLE);
        }
        faults.extend(cli.command.faults());
    }
    match cli {
        Some(cli) if faults.is_empty() => Reading::Run(cli),
        _ => Reading::Wrong(faults),
    }
}

/// The secret in a variable; an empty one is none.
fn secret(variable: &dyn Fn(&str) -> Option<OsString>, name: &str) -> Option<VariableSecret> {
    let text = variable(name).filter(|text| !text.is_empty())?;
    Some(VariableSecret(Zeroizing::new(text.to_string_lossy().into_owned())))
}

/// What is left of a command line when its faults are taken out.
enum Parsed {
    Cli(Box<Cli>),
    /// Something without which nothing can be read.
    Nothing,
}

struct Sources<'a> {
    arguments: Vec<OsString>,
    variable: &'a dyn Fn(&str) -> Option<OsString>,
    /// Settings of the command asked for, by name.
    known: BTreeMap<String, Arg>,
    /// Where a setting that is not on the command line stands.
    origins: BTreeMap<String, String>,
    faults: Vec<Fault>,
}

impl<'a> Sources<'a> {
    fn new(arguments: Vec<OsString>, variable: &'a dyn Fn(&str) -> Option<OsString>) -> Self {
        let mut command = &Cli::command();
        for word in arguments.iter().skip(1).filter(|word| !is_option(word)) {
            match word.to_str().and_then(|word| command.find_subcommand(word)) {
                Some(inner) => command = inner,
                None => break,
            }
        }
        let known = settings_of(command);
        Self { arguments, variable, known, origins: BTreeMap::new(), faults: Vec::new() }
    }

    /// Whether a setting is on the command line, or came from a stronger source.
    fn is_given(&self, name: &str) -> bool {
        self.arguments.iter().any(|argument| names(argument, name))
    }

    fn add(&mut self, name: &str, values: Vec<OsString>, origin: &str) {
        for value in values {
            let mut argument = OsString::from(format!("--{name}="));
            argument.push(value);
            self.arguments.push(argument);
        }
        self.origins.insert(name.to_owned(), origin.to_owned());
    }

    fn add_variables(&mut self) {
        let variables: Vec<_> = self
            .known
            .iter()
            .filter(|(name, _)| !self.is_given(name))
            .filter_map(|(name, arg)| Some((name.clone(), arg.get_env()?.to_str()?.to_owned())))
            .collect();
        for (name, variable) in variables {
            // An empty variable is what files of containers make of a missing one.
            if let Some(value) = (self.variable)(&variable).filter(|value| !value.is_empty()) {
                self.add(&name, vec![value], &variable);
            }
        }
    }

    /// The value of the setting that names the settings file.
    fn file(&self) -> Option<OsString> {
        let at = self.arguments.iter().position(|argument| names(argument, SETTINGS))?;
        let argument = self.arguments.get(at)?;
        match argument.to_str().and_then(|text| text.split_once('=')) {
            Some((_, path)) => Some(path.into()),
            None => self.arguments.get(at + 1).cloned(),
        }
    }

    fn add_file(&mut self) {
        if !self.known.contains_key(SETTINGS) {
            return;
        }
        let Some(path) = self.file() else { return };
        let shown = Path::new(&path).display().to_string();
        let table = match read_table(Path::new(&path)) {
            Ok(table) => table,
            Err(what) => return self.faults.push(Fault(format!("{shown}: {what}."))),
        };
        // A file serves every command, so it may hold whatever `serve` knows.
        let all = Cli::command().find_subcommand("serve").map(settings_of).unwrap_or_default();
        let mut seen = BTreeSet::new();
        for (key, value) in table {
            let name = key.replace('_', "-");
            let Some(arg) = all.get(&name).filter(|_| name != SETTINGS) else {
                self.faults.push(Fault(format!("{shown}: {key} is no setting.")));
                continue;
            };
            if !seen.insert(name.clone()) {
                self.faults.push(Fault(format!("{shown}: {key} is there twice.")));
                continue;
            }
            match values_of(arg, &value) {
                Err(what) => self.faults.push(Fault(format!("{shown}: {key} must be {what}."))),
                Ok(values) if self.known.contains_key(&name) && !self.is_given(&name) => match values {
                    Values::Flag(true) => self.arguments.push(format!("--{name}").into()),
                    Values::Flag(false) => {}
                    Values::Texts(values) => self.add(&name, values, &shown),
                },
                Ok(_) => {}
            }
        }
    }

    /// Reads the command line, leaving out what is wrong with it until the rest can be read.
    fn parse(&mut self) -> Result<Parsed, String> {
        let command = without_variables(Cli::command());
        while self.faults.len() < FAULTS_MAX {
            let parsed = command.clone().try_get_matches_from(&self.arguments);
            let error = match parsed.and_then(|matches| Cli::from_arg_matches(&matches)) {
                Ok(cli) => return Ok(Parsed::Cli(Box::new(cli))),
                Err(error) => error,
            };
            if [ErrorKind::DisplayHelp, ErrorKind::DisplayVersion].contains(&error.kind()) {
                return Err(self.help(&error));
            }
            if error.kind() == ErrorKind::DisplayHelpOnMissingArgumentOrSubcommand {
                self.faults
                    .push(Fault("Say what to do, such as `tocsin serve`; `tocsin --help` lists it all.".to_owned()));
                return Ok(Parsed::Nothing);
            }
            if !self.blame(&error) {
                return Ok(Parsed::Nothing);
            }
        }
        Ok(Parsed::Nothing)
    }

    /// The text that was asked for, with the variables in it.
    fn help(&self, shorter: &clap::Error) -> String {
        let full = Cli::command().try_get_matches_from(&self.arguments).err();
        full.as_ref().filter(|full| full.kind() == shorter.kind()).unwrap_or(shorter).to_string()
    }

    /// Notes a fault and takes it out of the command line. Answers whether reading can go on.
    fn blame(&mut self, error: &clap::Error) -> bool {
        let setting = match error.get(ContextKind::InvalidArg) {
            Some(ContextValue::String(name)) => name.split([' ', '=']).next().unwrap_or_default().to_owned(),
            Some(ContextValue::Strings(names)) => {
                // What was given and is wrong is not asked for again.
                let setting = |name: &str| name.split(' ').next().unwrap_or_default().to_owned();
                let blamed = |name: &str| {
                    let rest = |Fault(said): &Fault| said.strip_prefix(&setting(name)).map(str::to_owned);
                    self.faults.iter().filter_map(rest).any(|rest| rest.starts_with([':', ' ']))
                };
                let needed: Vec<Fault> =
                    names.iter().filter(|name| !blamed(name)).map(|name| Fault(format!("{name} is needed."))).collect();
                self.faults.extend(needed);
                return false;
            }
            _ => {
                let text = error.to_string();
                let first = text.lines().next().unwrap_or_default().trim_start_matches("error: ");
                self.faults.push(Fault(format!("{first}.")));
                return false;
            }
        };
        let name = setting.trim_start_matches('-').to_owned();
        let origin = self.origins.get(&name).map_or_else(String::new, |origin| format!(" ({origin})"));
        let sentence = if error.kind() == ErrorKind::UnknownArgument {
            format!("{setting} is no setting.")
        } else if error.kind() == ErrorKind::ArgumentConflict {
            format!("{setting} can be given once only.")
        } else {
            format!("{setting}{origin}: {}.", why(error))
        };
        self.faults.push(Fault(sentence));
        self.take_out(&name)
    }

    /// Takes every mention of a setting out of the command line; for one that nobody knows, what follows may be its value.
    fn take_out(&mut self, name: &str) -> bool {
        let before = self.arguments.len();
        let takes_value = self.known.get(name).is_none_or(|arg| arg.get_action().takes_values());
        let mut left = Vec::with_capacity(before);
        let mut arguments = std::mem::take(&mut self.arguments).into_iter().peekable();
        while let Some(argument) = arguments.next() {
            if !names(&argument, name) {
                // A word that belongs to nothing is named as it stands.
                if argument.to_str() != Some(name) {
                    left.push(argument);
                }
                continue;
            }
            let has_value = argument.to_str().is_some_and(|text| text.contains('='));
            if takes_value && !has_value {
                arguments.next_if(|next| !is_option(next));
            }
        }
        self.arguments = left;
        self.arguments.len() < before
    }
}

/// The settings of a command that have names.
fn settings_of(command: &clap::Command) -> BTreeMap<String, Arg> {
    command.get_arguments().filter_map(|arg| Some((arg.get_long()?.to_owned(), arg.clone()))).collect()
}

/// Variables are looked at before: else taking a wrong one out would bring it back.
fn without_variables(command: clap::Command) -> clap::Command {
    command.mut_args(|arg| arg.env(clap::builder::Resettable::Reset)).mut_subcommands(without_variables)
}

fn is_option(argument: &OsString) -> bool {
    argument.as_encoded_bytes().starts_with(b"-")
}

/// Whether an argument is `--name` or `--name=…`.
fn names(argument: &OsString, name: &str) -> bool {
    let rest = argument.as_encoded_bytes().strip_prefix(b"--").and_then(|rest| rest.strip_prefix(name.as_bytes()));
    rest.is_some_and(|rest| rest.is_empty() || rest.starts_with(b"="))
}

/// What is wrong with a value, without repeating it: it may be long, or not be meant for a log.
fn why(error: &clap::Error) -> String {
    if let Some(ContextValue::Strings(options)) = error.get(ContextKind::ValidValue) {
        return format!("must be one of {}", options.join(", "));
    }
    let source = std::error::Error::source(error).map(ToString::to_string);
    source.unwrap_or_else(|| "a value is needed".to_owned()).trim_end_matches('.').to_owned()
}

/// The values of one setting in the file.
enum Values {
    Flag(bool),
    Texts(Vec<OsString>),
}

fn values_of(arg: &Arg, value: &toml::Value) -> Result<Values, &'static str> {
    let text = |value: &toml::Value| match value {
        toml::Value::String(text) => Ok(OsString::from(text)),
        toml::Value::Integer(number) => Ok(OsString::from(number.to_string())),
        toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Datetime(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => Err("a text or a whole number"),
    };
    if !arg.get_action().takes_values() {
        return value.as_bool().map(Values::Flag).ok_or("true or false");
    }
    if let (ArgAction::Append, Some(values)) = (arg.get_action(), value.as_array()) {
        return values.iter().map(text).collect::<Result<_, _>>().map(Values::Texts).map_err(|_| "a list of texts");
    }
    Ok(Values::Texts(vec![text(value)?]))
}

fn read_table(path: &Path) -> Result<toml::Table, String> {
    let mut text = String::new();
    File::open(path)
        .and_then(|file| file.take(FILE_OCTETS_MAX).read_to_string(&mut text))
        .map_err(|error| format!("can't be read: {error}"))?;
    text.parse().map_err(|error: toml::de::Error| {
        let before = error.span().and_then(|span| text.get(..span.start)).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        format!("line {line}: {}", error.message().replace('\n', " "))
    })
}
