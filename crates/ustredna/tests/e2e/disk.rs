//! Small disks that are mounted for one scenario, which needs the right to mount.

use std::{
    fs,
    io::Write as _,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    thread,
    time::Duration,
};

/// A mounted disk; unmounted when dropped.
pub(crate) struct Disk(PathBuf);

impl Disk {
    /// In memory, of this size: `400k`.
    pub(crate) fn in_memory(at: &Path, size: &str) -> Self {
        Self::mount(at, &["-t", "tmpfs", "-o", &format!("size={size}"), "tmpfs"])
    }

    /// A file with ext4 in it, which the kernel makes read-only when it finds something wrong.
    pub(crate) fn in_file(at: &Path) -> Self {
        let image = at.with_extension("img");
        fs::File::create(&image).unwrap().set_len(16 << 20).unwrap();
        run(Command::new("mkfs.ext4").args(["-q", "-F"]).arg(&image));
        Self::mount(at, &["-o", "loop,errors=remount-ro", &image.display().to_string()])
    }

    /// Why there is no such disk on this machine, if so.
    pub(crate) fn no_file() -> Option<String> {
        if !Path::new("/dev/loop-control").exists() {
            return Some("there are no loop devices".to_owned());
        }
        let found = Command::new("mkfs.ext4").arg("-V").stderr(Stdio::null()).status();
        found.is_err().then(|| "`mkfs.ext4` is not on PATH (Debian: e2fsprogs)".to_owned())
    }

    fn mount(at: &Path, what: &[&str]) -> Self {
        fs::create_dir_all(at).unwrap();
        Self::attach(at, what);
        Self(at.to_owned())
    }

    fn attach(at: &Path, what: &[&str]) {
        run(Command::new("mount").args(what).arg(at));
    }

    /// Mounts it anew with these options.
    pub(crate) fn remount(&self, options: &str) {
        let mut command = Command::new("mount");
        command.arg("-o").arg(format!("remount,{options}")).arg(&self.0);
        // A file that was just closed may still keep it busy.
        for _ in 0..20 {
            if command.status().unwrap().success() {
                return;
            }
            thread::sleep(Duration::from_millis(200));
        }
        panic!("{command:?} does not work");
    }

    /// Fills it to the last byte, until there is [`room`](Self::makes_room) again.
    pub(crate) fn fills(&self) {
        let ballast = fs::OpenOptions::new().create(true).append(true).open(self.ballast());
        let mut ballast = ballast.unwrap();
        for size in [1 << 16, 1 << 12, 1 << 6, 1] {
            while ballast.write_all(&vec![0; size]).is_ok() {}
        }
    }

    /// Takes away what filled it.
    pub(crate) fn makes_room(&self) {
        fs::remove_file(self.ballast()).unwrap();
    }

    fn ballast(&self) -> PathBuf {
        self.0.join("ballast")
    }

    /// Mounts it once more after it broke, as an operator would who has repaired it: nobody may have
    /// a file on it open meanwhile.
    pub(crate) fn is_repaired(&self) {
        self.goes_away();
        thread::sleep(Duration::from_secs(6));
        let image = self.0.with_extension("img");
        Self::attach(&self.0, &["-o", "loop,errors=remount-ro", &image.display().to_string()]);
    }

    /// Takes it away from where it is. Who has a file open keeps that.
    pub(crate) fn goes_away(&self) {
        run(Command::new("umount").arg("-l").arg(&self.0));
    }

    /// The kernel finds something wrong with it (`ext4_handle_error` in fs/ext4/super.c): from
    /// now on nothing can be written, to open files neither.
    pub(crate) fn breaks(&self) {
        let mounts = fs::read_to_string("/proc/self/mounts").unwrap();
        let at = self.0.display().to_string();
        let device = mounts.lines().find_map(|line| {
            let mut words = line.split(' ');
            let device = words.next()?;
            (words.next()? == at).then(|| device.trim_start_matches("/dev/").to_owned())
        });
        let device = device.expect("the disk is mounted");
        fs::write(format!("/sys/fs/ext4/{device}/trigger_fs_error"), "tried").unwrap();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // A scenario may have unmounted it.
        drop(Command::new("umount").arg("-l").arg(&self.0).stderr(Stdio::null()).status());
    }
}

fn run(command: &mut Command) {
    assert!(command.status().unwrap().success(), "{command:?} does not work");
}
