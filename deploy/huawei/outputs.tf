output "functions" {
  description = "The three functions' URNs. People invoke the manual one."
  value       = { for key, one in huaweicloud_fgs_function.autoscaler : key => one.urn }
}

output "alarm_topic" {
  description = "Topic that wakes the autoscaler: name it in further Cloud Eye rules, for alarm and for OK."
  value       = huaweicloud_smn_topic.alarms.topic_urn
}

output "operators_topic" {
  description = "Topic that people read. Use it in the policy: notify: [ { smn: URN } ]."
  value       = huaweicloud_smn_topic.operators.topic_urn
}

output "alarm_rule_ids" {
  description = "Ids (al…) of the load alarms: put them under `alarms` in the policy, then make the zip again."
  value       = { for key, one in huaweicloud_ces_alarmrule.load : key => one.id }
}

output "ledger_url" {
  description = "The ledger's URL, without a password."
  value       = local.ledger_url
}

output "public_address" {
  description = "Address that ModelArts, Cloud Eye and a ledger see, where a NAT gateway was made."
  value       = one(huaweicloud_vpc_eip.nat[*].address)
}
