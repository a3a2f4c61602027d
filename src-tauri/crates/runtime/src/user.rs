//! Who runs the program, for the activity log.

/// The operating system's name of the user; the number where there is no name.
///
/// By the process's own user where that can be found out: the environment says what somebody wrote into it.
pub(crate) fn name() -> String {
    let number = number();
    let known = number.and_then(|number| {
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        named(&users, number)
    });
    let said = || {
        ["USER", "LOGNAME", "USERNAME"]
            .iter()
            .filter_map(|name| std::env::var(name).ok())
            .find(|name| !name.is_empty())
    };
    known
        .or_else(said)
        .or_else(|| number.map(|number| format!("uid {number}")))
        .unwrap_or_else(|| "unknown".to_owned())
}

/// The number of the process's user.
fn number() -> Option<u32> {
    #[cfg(unix)]
    if let Ok(process) = std::fs::metadata("/proc/self") {
        return Some(std::os::unix::fs::MetadataExt::uid(&process));
    }
    None
}

/// The name of a number in a list of users as `passwd(5)` describes it.
fn named(users: &str, number: u32) -> Option<String> {
    users.lines().find_map(|line| {
        let mut fields = line.split(':');
        let (name, uid) = (fields.next()?, fields.nth(1)?);
        (!name.is_empty() && uid.parse() == Ok(number)).then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use rstest::rstest;

    const USERS: &str =
        "root:x:0:0:root:/root:/bin/bash\n+::::::\nbroken\nanna:x:1000:1000:Anna,,,:/home/anna:/bin/sh\n";

    #[rstest]
    #[case(0, Some("root"))]
    #[case(1_000, Some("anna"))]
    #[case(1_001, None)]
    fn a_users_name_is_found_by_his_number(#[case] number: u32, #[case] name: Option<&str>) {
        assert_eq!(named(USERS, number).as_deref(), name);
    }
}
