/**
 * Ceph on one machine for tests: one monitor, one object store, one S3 gateway, from programs unpacked under
 * `.cache/ceph`. Settings and commands only; `s3-server.ts` lives with the processes.
 *
 * Each setting below that is not self-evident was needed to make it start in seconds instead of minutes.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import type { TempFolder } from "./temp-folder.ts";

const ROOT = join(import.meta.dir, "..", "..", ".cache", "ceph");
const LIBRARIES = join(ROOT, "lib");

/** True where `node scripts/setup.mjs test` could unpack Ceph. */
export const hasCeph = existsSync(join(ROOT, "complete"));

/** A locale that the machine names and these libraries lack would end the gateway. */
export const CEPH_ENV = { LC_ALL: "C", LANG: "C", OPENSSL_CONF: "/dev/null" };

/** The command line of one of its programs: through the loader that was unpacked with it. */
export function cephProgram(name: string, ...args: readonly string[]): readonly string[] {
  if (!hasCeph) throw new Error("Ceph is not unpacked: run `node scripts/setup.mjs test`");
  const loader = join(LIBRARIES, "ld-linux-x86-64.so.2");
  return [loader, "--library-path", LIBRARIES, join(ROOT, "bin", name), ...args];
}

export interface CephPorts {
  readonly monitor: number;
  readonly http: number;
  readonly https: number;
}

/** The daemons in the order of their start. */
export function daemonCommands(folder: TempFolder): {
  readonly monitor: readonly string[];
  readonly objectStore: readonly string[];
  readonly gateway: readonly string[];
} {
  const settings = ["-c", folder.file("ceph.conf"), "-f"];
  return {
    monitor: cephProgram("ceph-mon", "-i", "a", ...settings),
    objectStore: cephProgram("ceph-osd", "-i", "0", ...settings),
    gateway: cephProgram("radosgw", "-n", "client.rgw", ...settings),
  };
}

/** Programs that make the empty data: the first two before anything runs, the third while the monitor runs. */
export function makeDataCommands(folder: TempFolder, ports: CephPorts): readonly (readonly string[])[] {
  const id = crypto.randomUUID();
  const settings = ["-c", folder.file("ceph.conf")];
  const monitors = folder.file("monmap");
  const stores = folder.file("osdmap");
  const address = `[v2:127.0.0.1:${ports.monitor}]`;
  return [
    cephProgram("monmaptool", "--create", "--fsid", id, "--addv", "a", address, monitors),
    // With the object store in the first map nobody has to announce it; `ceph`, a Python program, would.
    cephProgram("osdmaptool", ...settings, "--createsimple", "1", stores),
    cephProgram("ceph-mon", ...settings, "--mkfs", "-i", "a", "--monmap", monitors, "--osdmap", stores),
  ];
}

/** Makes the object store's data; needs the monitor. */
export function makeObjectStoreCommand(folder: TempFolder): readonly string[] {
  const id = crypto.randomUUID();
  return cephProgram("ceph-osd", "-c", folder.file("ceph.conf"), "-i", "0", "--mkfs", "--osd-uuid", id);
}

/** Adds a user of the gateway; needs monitor and object store, not the gateway. */
export function addUserCommand(
  folder: TempFolder,
  user: { readonly accessKeyId: string; readonly secretAccessKey: string },
): readonly string[] {
  const { accessKeyId, secretAccessKey } = user;
  const who = [`--uid=${accessKeyId}`, `--display-name=${accessKeyId}`];
  const keys = [`--access-key=${accessKeyId}`, `--secret-key=${secretAccessKey}`];
  const settings = ["-c", folder.file("ceph.conf"), "-n", "client.rgw"];
  return cephProgram("radosgw-admin", ...settings, "user", "create", ...who, ...keys);
}

/** Two commands: a certificate authority, and the gateway's certificate by it, for 127.0.0.1 and localhost. */
export function makeCertificateCommands(folder: TempFolder): readonly (readonly string[])[] {
  const request = ["req", "-x509", "-nodes", "-days", "30", "-newkey", "ec"];
  const curve = ["-pkeyopt", "ec_paramgen_curve:P-256"];
  const authority = ["-keyout", folder.file("ca.key"), "-out", folder.file("ca.pem"), "-subj", "/CN=tests"];
  const own = ["-keyout", folder.file("tls.key"), "-out", folder.file("tls.pem"), "-subj", "/CN=localhost"];
  const issuer = ["-CA", folder.file("ca.pem"), "-CAkey", folder.file("ca.key")];
  const names = ["-addext", "subjectAltName=IP:127.0.0.1,DNS:localhost"];
  const roles = (role: string) => ["-addext", `basicConstraints=critical,CA:${role}`];
  return [
    cephProgram("openssl", ...request, ...curve, ...authority, ...roles("TRUE")),
    cephProgram("openssl", ...request, ...curve, ...own, ...issuer, ...names, ...roles("FALSE")),
  ];
}

/** Writes `ceph.conf` and makes the folders that it names. */
export function writeSettings(folder: TempFolder, ports: CephPorts): void {
  for (const name of ["mon", "osd", "rgw", "run", "log", "crash"])
    mkdirSync(folder.file(name), { recursive: true });
  writeFileSync(folder.file("keyring"), "");
  writeFileSync(folder.file("ceph.conf"), settingsOf(folder, ports));
}

const QUIET = ["mon", "paxos", "osd", "rocksdb", "bluestore", "rgw", "ms", "bdev", "bluefs", "monc", "auth"];

function settingsOf(folder: TempFolder, ports: CephPorts): string {
  return `[global]
mon_host = [v2:127.0.0.1:${ports.monitor}]
ms_bind_msgr1 = false
ms_bind_ipv6 = false
public_addr = 127.0.0.1
cluster_addr = 127.0.0.1
auth_cluster_required = none
auth_service_required = none
auth_client_required = none
keyring = ${folder.file("keyring")}
run_dir = ${folder.file("run")}
admin_socket =
pid_file =
crash_dir = ${folder.file("crash")}
log_file = ${folder.file("log")}/$name.log
log_max_recent = 100
${QUIET.map((part) => `debug_${part} = 0/0`).join("\n")}
erasure_code_dir = ${join(LIBRARIES, "erasure-code")}
plugin_dir = ${LIBRARIES}
osd_pool_default_size = 1
osd_pool_default_min_size = 1
osd_pool_default_pg_num = 1
osd_pool_default_pgp_num = 1
osd_pool_default_pg_autoscale_mode = off
osd_crush_chooseleaf_type = 0
mon_allow_pool_size_one = true
mon_max_pg_per_osd = 5000
# a machine whose disk is nearly full can still run tests
mon_data_avail_crit = 0
mon_data_avail_warn = 0
mon_osd_full_ratio = 0.99
mon_osd_nearfull_ratio = 0.98
mon_osd_backfillfull_ratio = 0.985
osd_failsafe_full_ratio = 0.995
# one monitor has nobody to wait for: each of the gateway's pools takes a few rounds
paxos_propose_interval = 0.02
paxos_min_wait = 0.01
mon_tick_interval = 1
mon_client_hunt_interval = 0.5

[mon.a]
mon_data = ${folder.file("mon")}
mon_initial_members = a
mon_cluster_log_to_file = false

[osd]
osd_data = ${folder.file("osd")}
osd_objectstore = bluestore
bluestore_block_create = true
bluestore_block_size = ${8 * 1024 ** 3}
bluestore_cache_autotune = false
bluestore_cache_size = ${64 * 1024 ** 2}
osd_class_dir = ${join(LIBRARIES, "rados-classes")}
osd_mclock_skip_benchmark = true
osd_op_num_shards = 2
# the watches of a gateway that was killed block new buckets for that long
osd_client_watch_timeout = 1

[client]
# "secure", the gateway's default, cannot be had without authentication, and it would wait for it
ms_mon_client_mode = crc
# a client that starts before the object store looks for it again that soon
objecter_tick_interval = 0.2
rgw_data = ${folder.file("rgw")}
rgw_frontends = beast endpoint=127.0.0.1:${ports.http} ssl_endpoint=127.0.0.1:${ports.https} ssl_certificate=${folder.file("tls.pem")} ssl_private_key=${folder.file("tls.key")} tcp_nodelay=1
rgw_thread_pool_size = 32
rgw_enable_apis = s3
rgw_enable_usage_log = false
rgw_enable_quota_threads = false
rgw_run_sync_thread = false
rgw_override_bucket_index_max_shards = 1
rgw_dynamic_resharding = false
`;
}
