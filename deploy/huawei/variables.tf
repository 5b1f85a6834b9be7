variable "region" {
  description = "Region of the supernodes and of everything that this kit makes, for example cn-southwest-2."
  type        = string

  validation {
    condition     = can(regex("^[a-z]{2}-[a-z]+-[0-9]+$", var.region))
    error_message = "region looks like cn-southwest-2."
  }
}

variable "project" {
  description = "IAM project that the agencies act in. Empty: the region's own project, which has the region's name."
  type        = string
  default     = ""
}

variable "name" {
  description = "Prefix of every name. Another prefix makes another, separate installation."
  type        = string
  default     = "supernode-autoscaler"

  # A function's name has at most 60 characters, and "-schedule" takes 9 of them.
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,39}$", var.name))
    error_message = "name starts with a letter and has at most 40 lower-case letters, digits and hyphens."
  }
}

variable "zip" {
  description = "Path of the zip that `npm run package:functiongraph` makes, with the policy inside."
  type        = string
  default     = "../../dist/functiongraph.zip"

  validation {
    condition     = endswith(var.zip, ".zip")
    error_message = "zip is the path of a .zip file."
  }
}

variable "runtime" {
  description = "Node.js runtime of the functions. 20.15 is the oldest that works."
  type        = string
  default     = "Node.js20.15"

  validation {
    condition     = can(regex("^Node\\.js2[0-9]\\.[0-9]+$", var.runtime))
    error_message = "runtime is Node.js20.15 or newer, as FunctionGraph spells it."
  }
}

variable "mode" {
  description = "observe decides and records, and never buys. live places paid orders."
  type        = string
  default     = "observe"

  validation {
    condition     = contains(["observe", "live"], var.mode)
    error_message = "mode is observe or live."
  }
}

# No document names the IAM action of live-scale-up. Ask support for it, put it here, and only then set mode = "live".
variable "scale_up_actions" {
  description = "IAM actions that live-scale-up needs, for example what support names. Empty: the functions can only look."
  type        = list(string)
  default     = []

  validation {
    condition     = alltrue([for action in var.scale_up_actions : can(regex("^modelarts:[A-Za-z]+:[A-Za-z]+$", action))])
    error_message = "Each action is modelarts:RESOURCE:VERB without a star; a star would allow more than scaling up."
  }
}

variable "shards" {
  description = "Number of timers. Each tick then concerns only its share of the supernodes; raise it when the log says that a tick did not reach some."
  type        = number
  default     = 1

  validation {
    condition     = var.shards >= 1 && var.shards <= 20 && floor(var.shards) == var.shards
    error_message = "shards is a whole number from 1 to 20."
  }
}

variable "settings" {
  description = "Further settings of the functions that are no secrets, for example SUPERNODE_LOG_LEVEL."
  type        = map(string)
  default     = {}

  validation {
    condition = alltrue([for key in keys(var.settings) : can(regex("^SUPERNODE_", key)) && !contains([
      "SUPERNODE_MODE", "SUPERNODE_LEDGER", "SUPERNODE_DYNAMODB_SK", "SUPERNODE_WEBHOOK_TOKEN", "SUPERNODE_PROMETHEUS_AUTH",
    ], key)])
    error_message = "settings takes SUPERNODE_ variables. Use mode and ledger_url for those two, and secrets for secrets."
  }
}

variable "secrets" {
  description = "Secret settings, stored encrypted: PGPASSWORD, SUPERNODE_DYNAMODB_AK and _SK, SUPERNODE_WEBHOOK_TOKEN, SUPERNODE_PROMETHEUS_AUTH."
  type        = map(string)
  default     = {}
  sensitive   = true

  validation {
    condition = alltrue([for key in keys(var.secrets) : contains([
      "PGPASSWORD", "SUPERNODE_DYNAMODB_AK", "SUPERNODE_DYNAMODB_SK", "SUPERNODE_WEBHOOK_TOKEN", "SUPERNODE_PROMETHEUS_AUTH",
    ], key)])
    error_message = "secrets takes the five names in its description. Huawei Cloud keys are not among them: the agency gives temporary ones."
  }
}

variable "secrets_key_id" {
  description = "KMS key that encrypts the secrets. Empty: FunctionGraph's own key."
  type        = string
  default     = ""
}

variable "ledger" {
  description = "existing: ledger_url names it. rds: make RDS for PostgreSQL with a synchronous standby. geminidb: make GeminiDB, DynamoDB compatible."
  type        = string
  default     = "existing"

  validation {
    condition     = contains(["existing", "rds", "geminidb"], var.ledger)
    error_message = "ledger is existing, rds or geminidb."
  }
}

variable "ledger_url" {
  description = "URL of the ledger without a password, when ledger = existing; else a replacement for the URL that the kit makes."
  type        = string
  default     = ""

  validation {
    condition     = var.ledger_url == "" || can(regex("^(dynamodb|postgres)://", var.ledger_url)) || var.ledger_url == "memory:"
    error_message = "ledger_url starts with dynamodb:// or postgres://; memory: is for a first look in observe mode."
  }

  validation {
    condition     = !can(regex("://[^/@]*:[^/@]*@", var.ledger_url))
    error_message = "ledger_url holds no password: put it into secrets as PGPASSWORD."
  }
}

variable "ledger_ca_file" {
  description = "Name of the file in the zip with the database's certificate authority, for example rds-ca.pem. RDS has it for download in its console. To put it there: npm run package:functiongraph -- --with rds-ca.pem"
  type        = string
  default     = ""

  validation {
    condition     = var.ledger_ca_file == "" || can(regex("^(/opt/function/code/)?[A-Za-z0-9_-][A-Za-z0-9._-]*$", var.ledger_ca_file))
    error_message = "ledger_ca_file is a file at the top of the zip, such as rds-ca.pem."
  }
}

variable "database_password" {
  description = "Password of the database that the kit makes. Terraform keeps it in its state: protect that file."
  type        = string
  default     = ""
  sensitive   = true

  validation {
    condition     = var.database_password == "" || length(var.database_password) >= 12
    error_message = "database_password has at least 12 characters."
  }
}

variable "availability_zones" {
  description = "Two zones for RDS (primary and standby), or one for GeminiDB."
  type        = list(string)
  default     = []

  validation {
    condition     = length(var.availability_zones) <= 2
    error_message = "availability_zones has at most two zones, the primary's first."
  }
}

variable "rds_flavor" {
  description = "Flavor of the RDS primary and standby. It ends in .ha; see the console for what your region has."
  type        = string
  default     = "rds.pg.n1.large.2.ha"

  validation {
    condition     = endswith(var.rds_flavor, ".ha")
    error_message = "rds_flavor ends in .ha: a single instance can lose an acknowledged entry, and then an order could be placed twice."
  }
}

variable "rds_version" {
  description = "PostgreSQL's major version, 13 or newer."
  type        = string
  default     = "15"

  validation {
    condition     = can(tonumber(var.rds_version)) && try(tonumber(var.rds_version) >= 13, false)
    error_message = "rds_version is 13 or newer."
  }
}

variable "geminidb_flavor" {
  description = "spec_code of a GeminiDB node. Each of the three nodes is always on: much for some hundred rows a day."
  type        = string
  default     = ""
}

variable "geminidb_version" {
  description = "Version of GeminiDB's DynamoDB interface. Empty: the service's own choice."
  type        = string
  default     = ""
}

variable "ledger_table" {
  description = "Table of the ledger in GeminiDB. `ledger init` makes it."
  type        = string
  default     = "supernode-ledger"

  validation {
    condition     = can(regex("^[A-Za-z0-9_-]{3,255}$", var.ledger_table))
    error_message = "ledger_table has 3 to 255 letters, digits, hyphens and underscores; GeminiDB takes no periods."
  }
}

variable "network" {
  description = "none: the ledger is on the public network. create: make VPC, subnet, NAT gateway and EIP. existing: use vpc_id and subnet_id."
  type        = string
  default     = "none"

  validation {
    condition     = contains(["none", "create", "existing"], var.network)
    error_message = "network must be none, create or existing."
  }
}

variable "vpc_id" {
  description = "VPC of the ledger, when network = existing."
  type        = string
  default     = ""
}

variable "subnet_id" {
  description = "Network id of a subnet in it, when network = existing. All functions of an account can use at most 4 subnets together."
  type        = string
  default     = ""
}

variable "subnet_cidr" {
  description = "Addresses of that subnet: only they reach the database that the kit makes. Needed when network = existing and ledger is rds or geminidb."
  type        = string
  default     = ""

  validation {
    condition     = var.subnet_cidr == "" || can(cidrhost(var.subnet_cidr, 0))
    error_message = "subnet_cidr looks like 10.0.1.0/24."
  }
}

variable "nat" {
  description = "Make a NAT gateway with an EIP in the VPC. Say false only where the existing subnet has its own way to the public network."
  type        = bool
  default     = true
}

variable "vpc_cidr" {
  description = "Addresses of the VPC, when network = create. The subnet takes its first 256."
  type        = string
  default     = "10.66.0.0/16"

  validation {
    condition     = can(cidrsubnet(var.vpc_cidr, 8, 0)) && can(regex("/16$", var.vpc_cidr))
    error_message = "vpc_cidr is an IPv4 block that ends in /16."
  }
}

variable "eip_type" {
  description = "Line of the EIP, as your region names it."
  type        = string
  default     = "5_bgp"
}

# Taken from the provider's examples; whether your account calls it so could not be verified.
variable "functiongraph_principal" {
  description = "Account that the agencies trust: FunctionGraph's."
  type        = string
  default     = "op_svc_cff"
}

variable "configuration_roles" {
  description = "Further system roles of the configuration agency, which FunctionGraph uses to enter the VPC. They are given only with a VPC."
  type        = list(string)
  default     = ["VPC Administrator"]
}

variable "load_alarms" {
  description = "Cloud Eye rules that wake the autoscaler, by name. Put each rule's id (output alarm_rule_ids) under `alarms` in the policy."
  type = map(object({
    namespace  = string
    metric     = string
    instances  = list(map(string))
    comparison = optional(string, ">")
    threshold  = number
    period     = optional(number, 300)
    count      = optional(number, 3)
    filter     = optional(string, "average")
    unit       = optional(string)
  }))
  default = {}

  validation {
    condition     = alltrue([for alarm in values(var.load_alarms) : contains([1, 300, 1200, 3600], alarm.period) && alarm.count >= 1 && alarm.count <= 5])
    error_message = "period is 1, 300, 1200 or 3600 (seconds), count is 1 to 5."
  }

  validation {
    condition     = alltrue([for alarm in values(var.load_alarms) : length(alarm.instances) > 0 && alltrue([for one in alarm.instances : length(one) > 0])])
    error_message = "instances lists at least one instance, each by its dimensions: { instance_id = \"…\" }."
  }
}

variable "alarm_topic_publishers" {
  description = "Services that may publish to the topics, comma separated, as SMN names them. Empty: the service's default."
  type        = string
  default     = ""
}

variable "operators" {
  description = "People's subscriptions: { ann = { protocol = \"email\", endpoint = \"ann@example.com\" } }. Each person confirms by the message that SMN sends."
  type        = map(object({ protocol = string, endpoint = string }))

  validation {
    condition     = length(var.operators) > 0
    error_message = "operators has at least one subscription: without one, a failure would reach no person."
  }

  validation {
    condition     = alltrue([for one in values(var.operators) : contains(["email", "sms", "https", "callnotify"], one.protocol)])
    error_message = "protocol is email, sms, https or callnotify."
  }
}

variable "log_days" {
  description = "Days that LTS keeps the log."
  type        = number
  default     = 90

  validation {
    condition     = var.log_days >= 1 && var.log_days <= 365
    error_message = "log_days is 1 to 365."
  }
}

variable "witness" {
  description = "Have CTS tell the operators of every scale-up, ours or not. Needs CTS's system tracker, which the console makes when CTS is first opened."
  type        = bool
  default     = true
}
