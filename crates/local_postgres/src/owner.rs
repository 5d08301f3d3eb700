//! Who runs PostgreSQL: ourselves, or the user `postgres` when we are root.

use crate::error::Error;
use std::{
    os::unix::{
        fs::{DirBuilderExt, MetadataExt, chown},
        process::CommandExt,
    },
    path::Path,
    process::Command,
};

/// The user whose processes and files PostgreSQL's are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Owner {
    /// Another user and group than our own.
    other: Option<(u32, u32)>,
    own: u32,
}

impl Owner {
    pub(crate) fn find() -> Result<Self, Error> {
        let own = std::fs::metadata("/proc/self").map(|me| me.uid()).or_else(|_| asked_id()).unwrap_or(u32::MAX);
        if own != 0 {
            return Ok(Self { other: None, own });
        }
        let users = std::fs::read_to_string("/etc/passwd").map_err(Error::file("reading", "/etc/passwd"))?;
        let postgres = users.lines().find_map(|line| {
            let mut fields = line.split(':');
            (fields.next()? == "postgres").then_some(())?;
            Some((fields.nth(1)?.parse().ok()?, fields.next()?.parse().ok()?))
        });
        Ok(Self { other: Some(postgres.ok_or(Error::NobodyToRunAs)?), own })
    }

    pub(crate) fn uid(self) -> u32 {
        self.other.map_or(self.own, |(uid, _)| uid)
    }

    /// A program run as the owner, in a folder it may be in.
    pub(crate) fn command(self, program: &Path) -> Command {
        let mut command = Command::new(program);
        command.current_dir("/").env("LC_ALL", "C");
        for name in ["PGDATA", "PGHOST", "PGPORT", "PGUSER", "PGDATABASE", "PGOPTIONS", "PGSERVICE"] {
            command.env_remove(name);
        }
        if let Some((uid, gid)) = self.other {
            command.gid(gid).uid(uid);
        }
        command
    }

    /// A folder that is the owner's alone; one of somebody else's is refused.
    pub(crate) fn folder(self, path: &Path) -> Result<(), Error> {
        if !path.is_dir() {
            if let Some(parent) = path.parent() {
                std::fs::create_dir_all(parent).map_err(Error::file("making the folder", parent))?;
            }
            std::fs::DirBuilder::new().mode(0o700).create(path).map_err(Error::file("making the folder", path))?;
            self.hand_over(path)?;
        }
        let found = std::fs::metadata(path).map_err(Error::file("looking at", path))?;
        if found.uid() != self.uid() && found.uid() != self.own {
            return Err(Error::Other(format!("the folder {} belongs to another user", path.display())));
        }
        Ok(())
    }

    pub(crate) fn hand_over(self, path: &Path) -> Result<(), Error> {
        match self.other {
            Some((uid, gid)) => chown(path, Some(uid), Some(gid)).map_err(Error::file("handing over", path)),
            None => Ok(()),
        }
    }
}

fn asked_id() -> std::io::Result<u32> {
    let said = Command::new("id").arg("-u").output()?;
    let text = String::from_utf8_lossy(&said.stdout);
    text.trim().parse().map_err(std::io::Error::other)
}
