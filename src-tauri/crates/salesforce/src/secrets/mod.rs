//! Where refresh tokens are kept: the OS keychain, or, where there is none and the admin says so, an encrypted file.

mod file;
mod keychain;

pub use file::FileStore;
pub use keychain::Keychain;
