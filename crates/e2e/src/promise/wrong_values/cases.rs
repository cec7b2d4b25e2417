//! Values that make no sense, and a word that the error must contain.

/// YAML and that word.
pub(super) const CASES: &[(&str, &str)] = &[
    ("sentinelReplicaCount: 1", "sentinelReplicaCount"),
    ("sentinelReplicaCount: 3", "sentinelReplicaCount"),
    ("sentinelReplicaCount: -1", "sentinelReplicaCount"),
    ("sentinelReplicaCount: 2.5", "sentinelReplicaCount"),
    ("sentinelReplicaCount: many", "sentinelReplicaCount"),
    ("slaveReplicaCount: -1", "slaveReplicaCount"),
    ("slaveReplicaCount: three", "slaveReplicaCount"),
    ("slaveReplicaCount: 1000", "slaveReplicaCount"),
    (
        "slaveReplicaCount: null\nslavereplicacount: 3",
        "slavereplicacount",
    ),
    ("image: ''", "image"),
    ("image: [redis]", "image"),
    ("imagePullPolicy: Sometimes", "imagePullPolicy"),
    ("persistence:\n  enabled: maybe", "persistence.enabled"),
    ("persistence:\n  enable: true", "enable"),
    ("persistence:\n  size: big", "persistence.size"),
    ("persistence:\n  size: -1Gi", "persistence.size"),
    (
        "persistence:\n  accessMode: ReadSometimes",
        "persistence.accessMode",
    ),
    ("durability: perhaps", "durability"),
    ("auth:\n  enabled: 1", "auth.enabled"),
    ("auth:\n  passwort: x", "passwort"),
    ("tls:\n  enabled: sure", "tls.enabled"),
    ("tls:\n  certificate: x", "certificate"),
    (
        "master:\n  service:\n    type: Loadbalancer",
        "master.service.type",
    ),
    (
        "master:\n  service:\n    ports:\n      redis: 70000",
        "redis",
    ),
    ("podAntiAffinityPreset: medium", "podAntiAffinityPreset"),
    ("resources: lots", "resources"),
    (
        "terminationGracePeriodSeconds: -5",
        "terminationGracePeriodSeconds",
    ),
    ("sentinel:\n  masterSet: 'my master'", "masterSet"),
    ("holdfast:\n  logLevel: loud", "logLevel"),
    ("replicas: 3", "replicas"),
];
