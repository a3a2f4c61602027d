//! The listener: the sync endpoint, the management API, and the UI in a browser.
//!
//! One [`Api`] is one bound address. [`router`] says which path leads where, [`guard`] who may ask, [`sync`] judges
//! payloads, [`handlers`] has a function for each use case, which the window calls too ([`InProcess`]).

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use secrecy::SecretString;
use sync_monitor_engine::Engine;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

mod asker;
mod body;
pub mod csv;
mod dto;
mod events;
mod export;
mod guard;
mod handlers;
mod help;
mod hub;
mod in_process;
mod limiter;
mod metrics;
mod openapi;
mod own;
mod problem;
pub mod program;
mod query;
mod returned;
mod router;
mod schema;
mod serve;
mod session;
mod slots;
mod sync;
mod ui;

pub use in_process::{Answer, InProcess};
use program::Program;

/// What a listener needs to know.
pub struct Settings {
    /// The admin token's secret.
    pub admin_token: SecretString,
    /// Who is behind the admin token: the operating system's name of the user.
    pub user: String,
    /// Names by which this machine may be asked, other than those of loopback.
    pub allowed_hosts: Vec<String>,
    /// How many payloads a minute each token may send.
    pub rate_limit_per_minute: u32,
    /// Is it all a demonstration?
    pub demo: bool,
    /// In a demo, where a simulated org waits to be signed in to.
    pub demo_login_url: Option<String>,
    /// The program around the listener.
    pub program: Arc<dyn Program>,
}

/// A listener at work.
pub struct Api {
    app: Arc<App>,
    tasks: [JoinHandle<()>; 2],
}

/// What every handler may use.
struct App {
    engine: Engine,
    limiter: limiter::Limiter,
    sessions: session::Sessions,
    events: events::Events,
    hosts: guard::Hosts,
    admin_token: guard::AdminToken,
    /// Who is behind every request that is let in, as the activity log names him.
    user: String,
    demo: bool,
    demo_login_url: Option<String>,
    program: Arc<dyn Program>,
    listen_address: SocketAddr,
    url: String,
    started_at: Instant,
    stop: CancellationToken,
}

impl Api {
    /// Answers what comes in at `listener`, until [`Api::stop`].
    ///
    /// # Errors
    /// When the listener's address cannot be read.
    pub fn start(engine: Engine, settings: Settings, listener: TcpListener) -> std::io::Result<Self> {
        let Settings {
            admin_token,
            user,
            allowed_hosts,
            rate_limit_per_minute,
            demo,
            demo_login_url,
            program,
        } = settings;
        let listen_address = listener.local_addr()?;
        let changes = engine.changes();
        let began = engine.clock().now();
        let app = Arc::new(App {
            engine,
            limiter: limiter::Limiter::new(rate_limit_per_minute),
            sessions: session::Sessions::default(),
            events: events::Events::new(began),
            hosts: guard::Hosts::new(&allowed_hosts),
            admin_token: guard::AdminToken::new(&admin_token),
            user: format!("user:{user}"),
            demo,
            demo_login_url,
            program,
            listen_address,
            url: url(listen_address),
            started_at: Instant::now(),
            stop: CancellationToken::new(),
        });
        let serve =
            serve::serve(listener, router::listener(&app), app.stop.clone(), serve::Limits::default());
        let pass_on = {
            let app = Arc::clone(&app);
            async move { app.events.pass_on(changes, app.stop.clone()).await }
        };
        Ok(Self { app, tasks: [tokio::spawn(serve), tokio::spawn(pass_on)] })
    }

    /// Where it is asked, like `http://127.0.0.1:7437`.
    pub fn url(&self) -> &str {
        &self.app.url
    }

    /// The management API for this process.
    pub fn in_process(&self) -> InProcess {
        InProcess::new(Arc::clone(&self.app))
    }

    /// Takes no more connections, lets requests in flight finish for a few seconds, ends event streams.
    pub async fn stop(self) {
        self.app.stop.cancel();
        for task in self.tasks {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the listener ended badly");
            }
        }
    }
}

/// The URL by which this machine reaches a listener of its own.
fn url(address: SocketAddr) -> String {
    let ip = match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => IpAddr::V4(Ipv4Addr::LOCALHOST),
        IpAddr::V6(ip) if ip.is_unspecified() => IpAddr::V6(Ipv6Addr::LOCALHOST),
        ip => ip,
    };
    format!("http://{}", SocketAddr::new(ip, address.port()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_listener_on_every_address_is_reached_on_loopback() {
        assert_eq!(url("127.0.0.1:7437".parse().unwrap()), "http://127.0.0.1:7437");
        assert_eq!(url("0.0.0.0:7437".parse().unwrap()), "http://127.0.0.1:7437");
        assert_eq!(url("[::]:7437".parse().unwrap()), "http://[::1]:7437");
    }
}
