# The ledger is lock, audit trail and state. The kit makes a server; only `ledger init` makes the table and the ledger in it.
locals {
  makes_rds      = var.ledger == "rds"
  makes_geminidb = var.ledger == "geminidb"
  makes_database = local.makes_rds || local.makes_geminidb
  database_port  = local.makes_rds ? 5432 : 8000

  rds_address      = try(huaweicloud_rds_instance.ledger[0].private_ips[0], "")
  geminidb_address = try(huaweicloud_geminidb_instance.ledger[0].groups[0].nodes[0].private_ip, "")

  ca = var.ledger_ca_file != "" ? "?sslrootcert=${var.ledger_ca_file}" : ""
  made_url = (
    local.makes_rds ? "postgres://root@${local.rds_address}:5432/postgres${local.ca}" :
    local.makes_geminidb ? "dynamodb://${var.ledger_table}?region=${var.region}&endpoint=http://${local.geminidb_address}:8000" : ""
  )
  ledger_url = var.ledger_url != "" ? var.ledger_url : local.made_url
}

resource "huaweicloud_networking_secgroup" "ledger" {
  count                = local.makes_database ? 1 : 0
  name                 = "${var.name}-ledger"
  delete_default_rules = true
}

# Only the functions' subnet reaches the database.
resource "huaweicloud_networking_secgroup_rule" "ledger" {
  count             = local.makes_database ? 1 : 0
  security_group_id = huaweicloud_networking_secgroup.ledger[0].id
  direction         = "ingress"
  ethertype         = "IPv4"
  protocol          = "tcp"
  ports             = tostring(local.database_port)
  remote_ip_prefix  = local.makes_vpc ? local.subnet_cidr : var.subnet_cidr
}

resource "huaweicloud_rds_instance" "ledger" {
  count             = local.makes_rds ? 1 : 0
  name              = "${var.name}-ledger"
  flavor            = var.rds_flavor
  availability_zone = var.availability_zones
  vpc_id            = local.vpc_id
  subnet_id         = local.subnet_id
  security_group_id = huaweicloud_networking_secgroup.ledger[0].id
  ssl_enable        = true

  # An acknowledged entry must survive a failover: a lost one would let an order be placed twice.
  ha_replication_mode = "sync"

  db {
    type     = "PostgreSQL"
    version  = var.rds_version
    password = var.database_password
  }

  volume {
    type = "CLOUDSSD"
    size = 40
  }

  backup_strategy {
    start_time = "02:00-03:00"
    keep_days  = 14
  }

  lifecycle {
    prevent_destroy = true

    precondition {
      condition     = local.in_vpc && length(var.availability_zones) == 2 && var.database_password != ""
      error_message = "ledger = rds needs network = create or existing, two availability_zones, and database_password."
    }
  }
}

resource "huaweicloud_geminidb_instance" "ledger" {
  count             = local.makes_geminidb ? 1 : 0
  name              = "${var.name}-ledger"
  mode              = "Cluster"
  availability_zone = one(slice(var.availability_zones, 0, min(1, length(var.availability_zones))))
  vpc_id            = local.vpc_id
  subnet_id         = local.subnet_id
  security_group_id = huaweicloud_networking_secgroup.ledger[0].id
  password          = var.database_password

  datastore {
    type           = "dynamodb"
    version        = var.geminidb_version
    storage_engine = "rocksDB"
  }

  flavor {
    num       = "3"
    size      = "100"
    storage   = "ULTRAHIGH"
    spec_code = var.geminidb_flavor
  }

  backup_strategy {
    start_time = "02:00-03:00"
    keep_days  = 14
  }

  lifecycle {
    prevent_destroy = true

    precondition {
      condition     = local.in_vpc && length(var.availability_zones) >= 1 && var.database_password != "" && var.geminidb_flavor != ""
      error_message = "ledger = geminidb needs network = create or existing, an availability zone, geminidb_flavor, and database_password."
    }
  }
}
