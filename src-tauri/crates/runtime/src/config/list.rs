//! Showing the settings, and changing them.

use std::collections::BTreeMap;

use serde_json::Value as Json;
use sync_monitor_api::program::{self, Effect, Trouble};

use super::table::{SETTINGS, Setting};
use super::value::Value;
use super::{Config, Error, Loaded, Sources, edit, known, table, variable};

pub use sync_monitor_api::program::Origin;

impl Sources {
    /// The settings as the file, the environment and the command line have them now. `in_force` is what the program was
    /// started with.
    ///
    /// # Errors
    /// When the file was made unreadable since then.
    pub fn list(&self, in_force: &Config) -> Result<program::Settings, Error> {
        Ok(self.shown(&self.judge(&self.file.read()?)?, in_force))
    }

    /// Writes settings to the file: all of them or none. `null` takes one out, back to its default.
    ///
    /// # Errors
    /// When one is not known, cannot have the value, or is set where it beats the file; when the file cannot be read or
    /// written.
    pub fn change(
        &self,
        changes: &BTreeMap<String, Json>,
        in_force: &Config,
    ) -> Result<program::Settings, Trouble> {
        let before = self.file.read().map_err(|error| unreadable(&error))?;
        let (text, after) = self.edit(&before, changes)?;
        if text != before {
            self.file.write(&text).map_err(|error| Trouble::Failed(error.to_string()))?;
        }
        Ok(self.shown(&after, in_force))
    }

    /// The text of a file with these changes, and nothing else changed.
    ///
    /// # Errors
    /// As [`Sources::change`], where `text` is what is in the file.
    pub fn edited(&self, text: &str, changes: &BTreeMap<String, Json>) -> Result<String, Trouble> {
        Ok(self.edit(text, changes)?.0)
    }

    fn edit(&self, text: &str, changes: &BTreeMap<String, Json>) -> Result<(String, Loaded), Trouble> {
        let loaded = self.judge(text).map_err(|error| unreadable(&error))?;
        let mut text = text.to_owned();
        for (name, value) in changes {
            let setting = table::find(name).ok_or_else(|| unknown(name))?;
            if let Some(beaten) = beaten_by(&loaded, setting) {
                return Err(beaten);
            }
            let edited = match value {
                Json::Null => edit::unset(&text, name),
                value => edit::set(&text, name, &judged(setting, value)?),
            };
            text = edited.map_err(|error| {
                Trouble::Failed(format!("The file of settings was not understood: {error}."))
            })?;
        }
        let after = self.judge(&text).map_err(|error| unreadable(&error))?;
        Ok((text, after))
    }

    /// Every setting with the value that `config` has.
    pub fn values(config: &Config) -> BTreeMap<&'static str, Json> {
        SETTINGS.iter().map(|setting| (setting.name, setting.kind.shown(config))).collect()
    }

    fn shown(&self, loaded: &Loaded, in_force: &Config) -> program::Settings {
        let shown = SETTINGS.iter().zip(&loaded.origins).map(|(setting, origin)| {
            let value = setting.kind.shown(&loaded.config);
            program::Setting {
                name: setting.name,
                pending: setting.effect == Effect::NextStart && value != setting.kind.shown(in_force),
                value,
                default: setting.kind.shown(&self.defaults),
                source: *origin,
                description: setting.description,
                must_be: setting.kind.must_be(),
                effect: setting.effect,
            }
        });
        program::Settings { file: self.file.path().display().to_string(), settings: shown.collect() }
    }

    /// The settings for somebody else's eyes: of those that may name people or machines only whether they are set.
    ///
    /// # Errors
    /// When the file was made unreadable since the start.
    pub(crate) fn redacted(&self) -> Result<Vec<program::RedactedSetting>, Error> {
        let loaded = self.judge(&self.file.read()?)?;
        let redacted = SETTINGS.iter().zip(&loaded.origins).map(|(setting, origin)| {
            let value = setting.kind.shown(&loaded.config);
            let is_hidden = setting.private && value != setting.kind.shown(&self.defaults);
            let value = if is_hidden { "[not the default]".into() } else { value };
            program::RedactedSetting { name: setting.name, value, source: *origin }
        });
        Ok(redacted.collect())
    }
}

/// The value as the file has it, if the setting can have it.
fn judged(setting: &Setting, value: &Json) -> Result<toml_edit::Value, Trouble> {
    let wrong = |why: &str| {
        Trouble::Wrong(format!(
            "`{}` cannot be used: {why}; it must be {}.",
            setting.name,
            setting.kind.must_be()
        ))
    };
    setting.kind.set(&mut Config::default(), &Value::from(value)).map_err(|why| wrong(&why))?;
    Ok(match value {
        Json::String(text) => text.into(),
        Json::Bool(flag) => (*flag).into(),
        Json::Number(number) => number.as_i64().ok_or_else(|| wrong("it is too large"))?.into(),
        Json::Array(list) => list.iter().filter_map(Json::as_str).collect::<toml_edit::Array>().into(),
        Json::Null | Json::Object(_) => return Err(wrong("it is a group of values")),
    })
}

fn unknown(name: &str) -> Trouble {
    let group = name.split_once('.').map_or("", |(group, _)| group);
    let of_group = known(&format!("{group}."));
    let known = if group.is_empty() || of_group.is_empty() { known("") } else { of_group };
    let shown: String = name.chars().take(64).collect();
    Trouble::Wrong(format!("There is no setting `{}`. Known are: {known}.", shown.escape_debug()))
}

/// Why a change in the file would change nothing.
fn beaten_by(loaded: &Loaded, setting: &Setting) -> Option<Trouble> {
    let index = SETTINGS.iter().position(|known| known.name == setting.name)?;
    let place = match loaded.origins[index] {
        Origin::Environment => format!("the environment variable {}", variable(setting.name)),
        Origin::Flag => "the command line that the program was started with".to_owned(),
        Origin::Default | Origin::File => return None,
    };
    Some(Trouble::Refused(format!(
        "`{}` is set by {place}, which beats the file. Start the program without that to set it here.",
        setting.name
    )))
}

fn unreadable(error: &Error) -> Trouble {
    Trouble::Refused(error.to_string())
}
