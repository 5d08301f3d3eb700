//! Who runs PostgreSQL: ourselves, or the user `postgres` when we are root.

use crate::error::Error;
use std::{
    fs::{File, Metadata, OpenOptions},
    io::ErrorKind,
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown, lchown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

/// How often a file that others make and remove meanwhile is looked for.
const LOOKS_MAX: u32 = 10;

/// The user whose processes and files PostgreSQL's are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Another user and group than our own.
    other: Option<(u32, u32)>,
    own: u32,
}

impl Owner {
    pub(crate) fn find() -> Result<Self, Error> {
        let own = own_uid()?;
        if own != 0 {
            return Ok(Self { other: None, own });
        }
        let users = std::fs::read_to_string("/etc/passwd").unwrap_or_default();
        let listed = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == "postgres").then_some(())?;
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        let asked = || Some((id(&["-u", "postgres"])?, id(&["-g", "postgres"])?));
        Ok(Self { other: Some(listed.or_else(asked).ok_or(Error::NobodyToRunAs)?), own })
    }

    pub(crate) fn uid(self) -> u32 {
        self.other.map_or(self.own, |(uid, _)| uid)
    }

    /// A program run as the owner, in a folder it may be in. Of another user's process the standard library clears the
    /// supplementary groups as well.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C");
        for (name, _) in std::env::vars_os().filter(|(name, _)| name.as_encoded_bytes().starts_with(b"PG")) {
            command.env_remove(name);
        }
        if let Some((uid, gid)) = self.other {
            command.gid(gid).uid(uid);
        }
        command
    }

    /// A folder that PostgreSQL can be in: the owner's alone when it is new or empty, refused when it is somebody else's.
    pub(crate) fn folder(self, path: &Path) -> Result<(), Error> {
        if path.join("PG_VERSION").exists() {
            return Err(Error::DataItself { path: path.to_path_buf() });
        }
        if !path.is_dir() {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(Error::file("making the folder", parent))?;
            }
            self.fresh(path)?;
        }
        let found = std::fs::metadata(path).map_err(Error::file("looking at", path))?;
        if found.uid() != self.uid() && found.uid() != self.own {
            return Err(Error::Foreign { path: path.to_path_buf() });
        }
        let empty = std::fs::read_dir(path).map_err(Error::file("looking into", path))?.next().is_none();
        if empty && found.uid() != self.uid() {
            self.hand_over(path)?;
        }
        let whole = path.canonicalize().map_err(Error::file("looking at", path))?;
        for above in whole.ancestors() {
            let found = std::fs::metadata(above).map_err(Error::file("looking at", above))?;
            if !self.enters(&found) {
                return Err(Error::Closed { folder: whole.clone(), above: above.to_path_buf() });
            }
        }
        Ok(())
    }

    /// A folder for sockets, the owner's alone: it may lie where anybody can make folders and links.
    pub(crate) fn private_folder(self, path: &Path) -> Result<(), Error> {
        let look = || std::fs::symlink_metadata(path);
        let found = match look() {
            Ok(found) => found,
            Err(_) => {
                self.fresh(path)?;
                look().map_err(Error::file("looking at", path))?
            }
        };
        if !found.is_dir() || found.uid() != self.uid() || found.mode() & 0o077 != 0 {
            return Err(Error::Foreign { path: path.to_path_buf() });
        }
        Ok(())
    }

    /// A folder that was not there.
    pub(crate) fn fresh(self, path: &Path) -> Result<(), Error> {
        std::fs::DirBuilder::new().mode(0o700).create(path).map_err(Error::file("making the folder", path))?;
        self.hand_over(path)
    }

    fn hand_over(self, path: &Path) -> Result<(), Error> {
        match self.other {
            Some((uid, gid)) => lchown(path, Some(uid), Some(gid)).map_err(Error::file("handing over", path)),
            None => Ok(()),
        }
    }

    /// A file of the owner's in its folder, made when it is not there. A link is refused, and nothing is made where it
    /// points: the owner may have put it there to have root write elsewhere.
    pub(crate) fn file(self, path: &Path) -> Result<File, Error> {
        let file = made_or_found(path)?;
        let opened = file.metadata().map_err(Error::file("looking at", path))?;
        let named = std::fs::symlink_metadata(path).map_err(Error::file("looking at", path))?;
        if !named.is_file() || opened.nlink() != 1 || (opened.dev(), opened.ino()) != (named.dev(), named.ino()) {
            return Err(Error::Foreign { path: path.to_path_buf() });
        }
        match self.other {
            Some((uid, gid)) if opened.uid() == self.own => {
                fchown(&file, Some(uid), Some(gid)).map_err(Error::file("handing over", path))?;
            }
            _ => {}
        }
        Ok(file)
    }

    fn enters(self, folder: &Metadata) -> bool {
        let Some((uid, gid)) = self.other else { return true };
        let bit = match (folder.uid() == uid, folder.gid() == gid) {
            (true, _) => 0o100,
            (false, true) => 0o010,
            (false, false) => 0o001,
        };
        folder.mode() & bit != 0
    }
}

/// A new file, or the plain one that is there. Making one (`create_new`) follows no link, even one that points nowhere;
/// what was there is looked at before it is opened, and opening it makes nothing.
fn made_or_found(path: &Path) -> Result<File, Error> {
    let mut last = None;
    for _ in 0..LOOKS_MAX {
        match OpenOptions::new().read(true).append(true).create_new(true).mode(0o600).open(path) {
            Ok(file) => return Ok(file),
            Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
            Err(error) => return Err(Error::file("opening", path)(error)),
        }
        if std::fs::symlink_metadata(path).is_ok_and(|found| !found.is_file()) {
            return Err(Error::Foreign { path: path.to_path_buf() });
        }
        match OpenOptions::new().read(true).append(true).open(path) {
            Ok(file) => return Ok(file),
            Err(error) if error.kind() == ErrorKind::NotFound => last = Some(error),
            Err(error) => return Err(Error::file("opening", path)(error)),
        }
    }
    Err(Error::file("opening", path)(last.unwrap_or_else(|| ErrorKind::NotFound.into())))
}

/// The user that we run as.
pub(crate) fn own_uid() -> Result<u32, Error> {
    let own = std::fs::metadata("/proc/self").ok().map(|own| own.uid());
    own.or_else(|| id(&["-u"])).ok_or_else(|| Error::Other("the system does not say which user we are".to_owned()))
}

fn id(arguments: &[&str]) -> Option<u32> {
    let said = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8_lossy(&said.stdout).trim().parse().ok()
}
