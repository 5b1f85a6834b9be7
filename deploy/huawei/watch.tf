# What tells people that the autoscaler itself fails.
locals {
  failures = {
    for pair in setproduct(keys(local.functions), ["failcount", "rejectcount"]) :
    "${pair[0]}-${pair[1]}" => { function = pair[0], metric = pair[1] }
  }
}

resource "huaweicloud_ces_alarmrule" "failures" {
  for_each             = local.failures
  alarm_name           = "${var.name}-${each.key}"
  alarm_description    = "The function failed or FunctionGraph rejected it: see its log in LTS"
  alarm_type           = "MULTI_INSTANCE"
  alarm_enabled        = true
  alarm_action_enabled = true

  metric {
    namespace = "SYS.FunctionGraph"
  }

  resources {
    dimensions {
      name  = "package-functionname"
      value = "default-${huaweicloud_fgs_function.autoscaler[each.value.function].name}"
    }
  }

  condition {
    metric_name         = each.value.metric
    period              = 300
    filter              = "sum"
    comparison_operator = ">"
    value               = 0
    count               = 1
    suppress_duration   = 3600
    alarm_level         = 2
  }

  alarm_actions {
    type              = "notification"
    notification_list = [huaweicloud_smn_topic.operators.topic_urn]
  }

  ok_actions {
    type              = "notification"
    notification_list = [huaweicloud_smn_topic.operators.topic_urn]
  }
}

# Each period has one tick of each shard, so that one lost timer of several is seen, too. A period may lack one that came late:
# three in a row are no chance. Whether Cloud Eye reports 0 or nothing for a function without invocations is not documented.
# README.md shows how to find out.
resource "huaweicloud_ces_alarmrule" "missing_tick" {
  alarm_name           = "${var.name}-missing-tick"
  alarm_description    = "No tick in 15 minutes, or none of one shard: look whether each timer is enabled"
  alarm_type           = "MULTI_INSTANCE"
  alarm_enabled        = true
  alarm_action_enabled = true

  metric {
    namespace = "SYS.FunctionGraph"
  }

  resources {
    dimensions {
      name  = "package-functionname"
      value = "default-${huaweicloud_fgs_function.autoscaler["schedule"].name}"
    }
  }

  condition {
    metric_name         = "count"
    period              = 300
    filter              = "sum"
    comparison_operator = "<"
    value               = var.shards
    count               = 3
    suppress_duration   = 3600
    alarm_level         = 1
  }

  alarm_actions {
    type              = "notification"
    notification_list = [huaweicloud_smn_topic.operators.topic_urn]
  }

  ok_actions {
    type              = "notification"
    notification_list = [huaweicloud_smn_topic.operators.topic_urn]
  }
}

# A witness without our code: every scale-up reaches people, also one that this autoscaler did not order.
resource "huaweicloud_cts_notification" "scale_up" {
  count          = var.witness ? 1 : 0
  name           = "${replace(var.name, "-", "_")}_scale_up"
  operation_type = "customized"
  smn_topic      = huaweicloud_smn_topic.operators.topic_urn

  operations {
    service     = "ModelArts"
    resource    = "ServerHyperinstance"
    trace_names = ["scaleuphyperinstanceServerHyperinstance"]
  }
}
