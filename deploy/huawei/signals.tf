# Two topics: `alarms` wakes the function, `operators` reaches people. Trouble must never wake the autoscaler.
resource "huaweicloud_smn_topic" "alarms" {
  name                     = "${var.name}-alarms"
  display_name             = "Supernode alarms"
  services_publish_allowed = var.alarm_topic_publishers != "" ? var.alarm_topic_publishers : null
}

resource "huaweicloud_smn_topic" "operators" {
  name                     = "${var.name}-operators"
  display_name             = "Autoscaler trouble"
  services_publish_allowed = var.alarm_topic_publishers != "" ? var.alarm_topic_publishers : null
}

resource "huaweicloud_smn_subscription" "operators" {
  for_each  = var.operators
  topic_urn = huaweicloud_smn_topic.operators.id
  protocol  = each.value.protocol
  endpoint  = each.value.endpoint
  remark    = each.key
}

resource "huaweicloud_fgs_function_trigger" "alarms" {
  function_urn = huaweicloud_fgs_function.autoscaler["alarm"].urn
  type         = "SMN"
  event_data   = jsonencode({ topic_urn = huaweicloud_smn_topic.alarms.topic_urn })
}

# Each supernode is in exactly one shard.
resource "huaweicloud_fgs_function_trigger" "tick" {
  count        = var.shards
  function_urn = huaweicloud_fgs_function.autoscaler["schedule"].urn
  type         = "TIMER"

  event_data = jsonencode({
    name          = "tick-${count.index + 1}"
    schedule_type = "Rate"
    schedule      = "5m"
    user_event    = var.shards == 1 ? "" : jsonencode({ shard = "${count.index + 1}/${var.shards}" })
  })
}

# suppress_duration 300 repeats the alarm every 5 minutes while it lasts. With 0 it fires once only, and a lost message stays lost.
# Cloud Eye demands the same topics for alarm and OK.
resource "huaweicloud_ces_alarmrule" "load" {
  for_each             = var.load_alarms
  alarm_name           = "${var.name}-${each.key}"
  alarm_description    = "Wakes the supernode autoscaler"
  alarm_type           = "MULTI_INSTANCE"
  alarm_enabled        = true
  alarm_action_enabled = true

  metric {
    namespace = each.value.namespace
  }

  dynamic "resources" {
    for_each = each.value.instances
    content {
      dynamic "dimensions" {
        for_each = resources.value
        content {
          name  = dimensions.key
          value = dimensions.value
        }
      }
    }
  }

  condition {
    metric_name         = each.value.metric
    period              = each.value.period
    filter              = each.value.filter
    comparison_operator = each.value.comparison
    value               = each.value.threshold
    unit                = each.value.unit
    count               = each.value.count
    suppress_duration   = 300
    alarm_level         = 2
  }

  alarm_actions {
    type              = "notification"
    notification_list = [huaweicloud_smn_topic.alarms.topic_urn]
  }

  ok_actions {
    type              = "notification"
    notification_list = [huaweicloud_smn_topic.alarms.topic_urn]
  }
}
