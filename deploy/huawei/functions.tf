locals {
  functions = {
    alarm    = "Alarms by SMN; webhooks by APIG"
    schedule = "The tick: finds what a lost alarm would have found"
    manual   = "A person's request or command, by direct invocation only"
  }

  user_data = jsonencode(merge(var.settings, {
    SUPERNODE_MODE   = var.mode
    SUPERNODE_LEDGER = local.ledger_url
  }))
  made_secrets = local.makes_rds ? { PGPASSWORD = var.database_password } : {}
  secrets      = jsonencode(merge(local.made_secrets, var.secrets))
}

resource "huaweicloud_lts_group" "log" {
  group_name  = var.name
  ttl_in_days = var.log_days
}

resource "huaweicloud_lts_stream" "log" {
  for_each    = local.functions
  group_id    = huaweicloud_lts_group.log.id
  stream_name = "${var.name}-${each.key}"
}

resource "huaweicloud_fgs_function" "autoscaler" {
  for_each    = local.functions
  name        = "${var.name}-${each.key}"
  description = each.value
  app         = "default"
  runtime     = var.runtime
  handler     = "index.${each.key}"
  memory_size = 512
  # Reads, one purchase of at most 60 s, and its record. A run that has too little time left does not begin.
  timeout = 180

  code_type     = "zip"
  code_filename = "functiongraph.zip"
  func_code     = filebase64(var.zip)

  user_data                    = local.user_data
  encrypted_user_data          = local.secrets
  user_data_encrypt_kms_key_id = var.secrets_key_id != "" ? var.secrets_key_id : null

  app_agency = huaweicloud_identity_agency.execution.name
  agency     = huaweicloud_identity_agency.configuration.name
  vpc_id     = local.in_vpc ? local.vpc_id : null
  network_id = local.in_vpc ? local.subnet_id : null

  enable_lts_log  = true
  log_group_id    = huaweicloud_lts_group.log.id
  log_group_name  = huaweicloud_lts_group.log.group_name
  log_stream_id   = huaweicloud_lts_stream.log[each.key].id
  log_stream_name = huaweicloud_lts_stream.log[each.key].stream_name

  lifecycle {
    precondition {
      condition     = local.ledger_url != ""
      error_message = "ledger = existing needs ledger_url."
    }

    precondition {
      condition     = var.mode == "observe" || local.ledger_url != "memory:"
      error_message = "mode = live refuses memory: because each container would have a ledger of its own and could buy once more."
    }

    precondition {
      condition     = var.ledger == "existing" || local.ledger_url != "memory:"
      error_message = "ledger_url = memory: would take the place of the database that ledger asks for: set ledger_url to an empty text."
    }

    precondition {
      condition     = var.network != "existing" || (var.vpc_id != "" && var.subnet_id != "")
      error_message = "network = existing needs vpc_id and subnet_id."
    }

    precondition {
      condition     = length(local.user_data) + length(local.secrets) <= 4096
      error_message = "settings and secrets are too long: FunctionGraph takes 4096 characters in all."
    }
  }
}

# A run is repeated by the next alarm or tick, never by the platform. An event older than 15 minutes is stale for us, too.
resource "huaweicloud_fgs_async_invoke_configuration" "autoscaler" {
  for_each                       = huaweicloud_fgs_function.autoscaler
  function_urn                   = each.value.urn
  max_async_retry_attempts       = 0
  max_async_event_age_in_seconds = 900

  on_failure {
    destination = "SMN"
    param       = jsonencode({ topic_urn = huaweicloud_smn_topic.operators.topic_urn })
  }
}
