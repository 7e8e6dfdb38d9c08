//! A real kube-apiserver, as the server of a group.
//!
//! `KUBEBUILDER_ASSETS` names the directory with `kube-apiserver` and `etcd`, as for Kubernetes' own test
//! environment; `kube-controller-manager` may be there too. All listen on the loopback, on ports that were free.

use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::Command;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair, SanType,
};

use crate::controllers::StandIn;
use crate::group::Site;
use crate::process::Process;
use crate::table::path;

/// The name of whoever holds the token, as the sandbox has it.
const USER: &str = "kube-sim:admin";

/// It opens a server that lives as long as a test.
const TOKEN: &str = "the-token-of-a-test";

/// Ends with a test.
#[derive(Debug)]
pub(crate) struct Server {
    // In the order in which they are to end.
    _stand_in: StandIn,
    _processes: Vec<Process>,
}

/// Where the programs are, if they are.
pub(crate) fn assets() -> Option<PathBuf> {
    let named = std::env::var_os("KUBEBUILDER_ASSETS").filter(|it| !it.is_empty());
    named.map(PathBuf::from)
}

/// Whether there are controllers beside the server.
pub(crate) fn has_controllers(assets: &Path) -> bool {
    assets.join("kube-controller-manager").is_file()
}

/// Starts a server that has nothing but what every server of the table starts with.
pub(crate) fn start(assets: &Path, site: &Site, operator: bool) -> Server {
    let files = Files::write(site);
    let kubectl = &site.shell;
    let mut etcd = etcd(assets, site, &files);
    etcd.wait_until("it answers", || {
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, files.etcd)).is_ok()
    });
    let mut server = apiserver(assets, site, &files);
    server.wait_until("it is ready", || kubectl.succeeds("kubectl get --raw /readyz"));
    // The garbage collector learns of the kinds that are there when it starts at once, and of others after a while.
    let definitions = site.place.file(
        "cluster.json",
        &serde_json::to_string(&capt_api::cluster_crd()).unwrap(),
    );
    kubectl.succeed(&format!(
        "kubectl create -f {} -f {}",
        path("../../deploy/crds").display(),
        definitions.display()
    ));
    kubectl.succeed("kubectl wait --for=condition=Established crd --all");
    kubectl.succeed(&format!(
        "kubectl create -f {}",
        path("table/files/start.yaml").display()
    ));
    let mut processes = Vec::new();
    if has_controllers(assets) {
        let mut controllers = controllers(assets, site, &files);
        controllers.wait_until("service accounts are made", || {
            kubectl.succeeds("kubectl get sa default -n team && kubectl get sa default")
        });
        processes.push(controllers);
    }
    let stand_in = StandIn::start(&kubectl.kubeconfig);
    if operator {
        let mut command = site.place.command("capt-operator");
        command
            .args([
                "--engine",
                "simulated",
                "--allow-namespaces",
                "default",
                "--kubeconfig",
            ])
            .arg(&kubectl.kubeconfig);
        processes.push(Process::start("capt-operator", &mut command, &site.logs));
    }
    processes.extend([server, etcd]);
    Server {
        _stand_in: stand_in,
        _processes: processes,
    }
}

/// What the programs read, and where they listen.
struct Files {
    authority: PathBuf,
    certificate: PathBuf,
    key: PathBuf,
    accounts: PathBuf,
    accounts_public: PathBuf,
    tokens: PathBuf,
    etcd: u16,
    peers: u16,
    port: u16,
}

impl Files {
    fn write(site: &Site) -> Self {
        let (authority, certificate, key) = certificates();
        let [etcd, peers, port] = free_ports();
        let accounts = KeyPair::generate().unwrap();
        let config = format!(
            "apiVersion: v1\nkind: Config\nclusters:\n- name: table\n  cluster:\n    server: https://127.0.0.1:{port}\n    \
             certificate-authority-data: {}\nusers:\n- name: table\n  user:\n    token: {TOKEN}\ncontexts:\n- name: table\n  \
             context:\n    cluster: table\n    user: table\n    namespace: default\ncurrent-context: table\n",
            STANDARD.encode(&authority)
        );
        std::fs::write(&site.shell.kubeconfig, config).unwrap();
        Self {
            authority: site.place.file("ca.pem", &authority),
            certificate: site.place.file("serving.pem", &certificate),
            key: site.place.file("serving.key", &key),
            accounts: site.place.file("accounts.key", &accounts.serialize_pem()),
            accounts_public: site.place.file("accounts.pub", &accounts.public_key_pem()),
            tokens: site
                .place
                .file("tokens.csv", &format!("{TOKEN},{USER},,system:masters\n")),
            etcd,
            peers,
            port,
        }
    }
}

/// A certificate authority, a serving certificate and its key, as PEM.
fn certificates() -> (String, String, String) {
    let mut authority = CertificateParams::default();
    authority.distinguished_name.push(DnType::CommonName, "table-ca");
    authority.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    let authority_key = KeyPair::generate().unwrap();
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let mut serving = CertificateParams::new(vec!["localhost".to_owned()]).unwrap();
    serving
        .distinguished_name
        .push(DnType::CommonName, "kube-apiserver");
    serving
        .subject_alt_names
        .push(SanType::IpAddress(Ipv4Addr::LOCALHOST.into()));
    serving.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    let key = KeyPair::generate().unwrap();
    let signed = serving
        .signed_by(&key, &Issuer::new(authority, authority_key))
        .unwrap();
    (pem, signed.pem(), key.serialize_pem())
}

/// Ports that nobody listens on; all different, because all are held until all are known.
fn free_ports<const N: usize>() -> [u16; N] {
    let held = std::array::from_fn::<_, N, _>(|_| TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).unwrap());
    held.map(|listener| listener.local_addr().unwrap().port())
}

fn etcd(assets: &Path, site: &Site, files: &Files) -> Process {
    let (clients, peers) = (
        format!("http://127.0.0.1:{}", files.etcd),
        format!("http://127.0.0.1:{}", files.peers),
    );
    let mut command = Command::new(assets.join("etcd"));
    command
        .arg("--unsafe-no-fsync")
        .arg(format!("--data-dir={}", site.place.path("etcd").display()))
        .arg(format!("--listen-client-urls={clients}"))
        .arg(format!("--advertise-client-urls={clients}"))
        .arg(format!("--listen-peer-urls={peers}"))
        .arg(format!("--initial-advertise-peer-urls={peers}"))
        .arg(format!("--initial-cluster=default={peers}"));
    Process::start("etcd", &mut command, &site.logs)
}

fn apiserver(assets: &Path, site: &Site, files: &Files) -> Process {
    let mut command = Command::new(assets.join("kube-apiserver"));
    command
        .arg(format!("--etcd-servers=http://127.0.0.1:{}", files.etcd))
        .args(["--bind-address=127.0.0.1", "--advertise-address=127.0.0.1"])
        .arg(format!("--secure-port={}", files.port))
        .arg(format!("--tls-cert-file={}", files.certificate.display()))
        .arg(format!("--tls-private-key-file={}", files.key.display()))
        .arg(format!("--client-ca-file={}", files.authority.display()))
        .arg(format!("--token-auth-file={}", files.tokens.display()))
        .arg("--authorization-mode=RBAC")
        .arg("--service-account-issuer=https://kubernetes.default.svc")
        .arg(format!(
            "--service-account-key-file={}",
            files.accounts_public.display()
        ))
        .arg(format!(
            "--service-account-signing-key-file={}",
            files.accounts.display()
        ))
        .arg("--service-cluster-ip-range=10.0.0.0/24")
        // It wants a service account before the first pod; without controllers there is none.
        .arg("--disable-admission-plugins=ServiceAccount");
    Process::start("kube-apiserver", &mut command, &site.logs)
}

fn controllers(assets: &Path, site: &Site, files: &Files) -> Process {
    let mut command = Command::new(assets.join("kube-controller-manager"));
    command
        .arg(format!("--kubeconfig={}", site.shell.kubeconfig.display()))
        .arg(format!(
            "--service-account-private-key-file={}",
            files.accounts.display()
        ))
        .args(["--secure-port=0", "--leader-elect=false"])
        .arg(
            "--controllers=garbage-collector-controller,namespace-controller,serviceaccount-controller,\
             deployment-controller,replicaset-controller",
        );
    Process::start("kube-controller-manager", &mut command, &site.logs)
}
