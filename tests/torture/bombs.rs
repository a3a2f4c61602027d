//! A few bytes that unpack to a gigabyte: from an org, from a token server, and to the listener. Nothing here unpacks, and so
//! memory stays what it was.

use std::io::Write as _;
use std::process::Stdio;

use kit::{ORG_A, Payload, Program};
use serde_json::{Value, json};
use sync_monitor_orgsim::{post, wall_clock};

use crate::raw_org::{Next, RawOrg};
use crate::world::{ask, assert_sound, set_up_for};

const MIB: usize = 1024 * 1024;
/// How much more memory it may take than before, in KiB: a bomb that goes off takes twenty times that.
const MORE: u64 = 48 * 1024;

/// `gzip`, which every system has.
fn gzip(bytes: &[u8], unpack: bool) -> Vec<u8> {
    let mut child = std::process::Command::new("gzip")
        .args(if unpack { ["-d", "-c"] } else { ["-9", "-c"] })
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stdin = child.stdin.take().unwrap();
    let bytes = bytes.to_vec();
    let writing = std::thread::spawn(move || stdin.write_all(&bytes));
    let output = child.wait_with_output().unwrap();
    writing.join().unwrap().unwrap();
    assert!(output.status.success());
    output.stdout
}

/// The most memory that a program has had so far, in KiB.
fn peak(program: &Program) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", program.pid())).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse().unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_gigabyte_in_a_few_bytes_is_never_unpacked() {
    // A thousand files of a mebibyte, one behind the other, are one file; packed twice it is a few KiB.
    let one = gzip(&vec![b' '; MIB], false);
    let packed = one.repeat(1_024);
    let twice = gzip(&packed, false);
    assert_eq!(gzip(&twice, true), packed);
    assert_eq!(gzip(&one, true).len() * 1_024, 1_024 * MIB, "it is a gigabyte");
    assert!(twice.len() < 64 * 1024, "{}", twice.len());
    let bombs = [("gzip", &packed), ("gzip, gzip", &twice)];
    let answer = |encoding: &str, body: &[u8]| {
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Encoding: {encoding}\r\nContent-Length: {}\r\n\r\n",
            body.len()
        );
        Next::Bytes { bytes: [head.as_bytes(), body].concat(), reset: false }
    };

    let folder = tempfile::tempdir().unwrap();
    let program =
        Program::serve_with(&folder, &[], &[("SYNC_MONITOR_RETRY_SCHEDULE", "0s,100ms,100ms,100ms,100ms")])
            .await;
    let org = RawOrg::start().await;
    // While it is signed in to, an error says why that did not work.
    for (encoding, body) in bombs {
        org.answer_next_token(answer(encoding, body));
        let refused = ask(&program, "POST", "orgs/import", &json!({ "sfdxAuthUrl": org.auth_url() })).await;
        let detail = refused["detail"].as_str().unwrap_or_else(|| panic!("{refused}"));
        assert!(detail.len() < 1_000 && refused["status"].as_u64().is_some_and(|s| s >= 400), "{refused}");
        println!("a bomb from the token server: {detail}");
    }
    let token = set_up_for(&program, &org.auth_url(), kit::ORG_B).await;
    let before = peak(&program);
    for (n, (encoding, body)) in bombs.into_iter().enumerate() {
        // To the listener.
        let head = format!(
            "POST /delivery/sync HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\nContent-Encoding: {encoding}"
        );
        let reply = kit::exchange(&program.url, &head, body).await;
        assert_eq!(
            (reply.status, &reply.json()["errors"][0]["code"]),
            (415, &json!("UNSUPPORTED_MEDIA_TYPE"))
        );
        // From the target, and then from its token server when the token is renewed.
        org.answer_next(answer(encoding, body));
        send(&program, &token, &format!("target-{n}")).await;
        org.answer_next_token(answer(encoding, body));
        org.answer_next(Next::Bytes {
            bytes: b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 2\r\n\r\n[]".to_vec(),
            reset: false,
        });
        send(&program, &token, &format!("renewal-{n}")).await;
    }
    let taken = peak(&program).saturating_sub(before);
    assert!(taken < MORE, "{taken} KiB more than before");
    println!(
        "bombs: 8, each of 1 GiB in {} or {} KiB; {taken} KiB of memory, 0 lost",
        packed.len() / 1024,
        twice.len() / 1024
    );
    program.kill().await;
    assert_sound(&folder).await;
}

/// Sends a change, and waits until it is there.
async fn send(program: &Program, token: &str, id: &str) {
    let payload = Payload::from(ORG_A, wall_clock()).transaction(id).record(id, "x");
    assert_eq!(post(&program.url, token, payload.text()).await.unwrap().status, 200);
    loop {
        let items = ask(program, "GET", &format!("items?q={id}"), &Value::Null).await;
        match items["items"][0]["status"].as_str().unwrap() {
            "synced" => return,
            "queued" | "processing" | "retrying" => {}
            other => panic!("{other}: {items}"),
        }
    }
}
