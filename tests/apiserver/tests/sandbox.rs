//! The sandbox, as the server of a group.

use crate::group::Site;
use crate::process::Process;
use crate::table::path;

/// Starts a sandbox that has nothing but what every server of the table starts with.
pub(crate) fn start(site: &Site, operator: bool) -> Process {
    let mut command = site.place.command("capt");
    command
        .args(["sandbox", "--kubeconfig"])
        .arg(&site.shell.kubeconfig);
    command.arg("-f").arg(path("table/files/start.yaml"));
    if operator {
        command.args(["--engine", "simulated"]);
    } else {
        command.arg("--no-operator");
    }
    let mut sandbox = Process::start("sandbox", &mut command, &site.logs);
    sandbox.wait_until("the first objects are there", || {
        site.shell.kubeconfig.exists() && site.shell.succeeds("kubectl get sa default -n team")
    });
    sandbox
}
