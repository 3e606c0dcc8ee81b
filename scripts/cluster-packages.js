/** Debian's: a database, an object storage and a balancer for several servers on this machine. */
export const clusterPackages = ['postgresql', 'radosgw', 'ceph-mon', 'ceph-osd', 'ceph-common', 'haproxy'];
