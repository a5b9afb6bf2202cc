//! The day's messages, decoded by itchfeed.

use std::collections::BTreeSet;

use serde_json::{Value, json};
use soupbintcp_sim::itch::{Body, KINDS, Message};
use tests::peers;
use tests::process::run;

use crate::world::{day, write_day};

/// As many of the day's messages as have every kind among them.
const COUNT: u64 = 60_000;

/// What a message says, by the names that itchfeed has for it. A stock fills its field.
fn meant(message: &Message) -> Value {
    let stock = |stock: &dyn std::fmt::Display| format!("{:8}", stock.to_string());
    let letter = |letter: u8| char::from(letter).to_string();
    match &message.body {
        Body::StockDirectory(it) => json!({
            "stock": stock(&it.stock), "round_lot_size": it.round_lot,
            "market_category": letter(it.market_category), "etp_leverage_factor": it.leverage,
        }),
        Body::TradingAction(it) => json!({
            "stock": stock(&it.stock), "trading_state": letter(it.state.letter()),
        }),
        Body::QuotingPeriod(it) => json!({
            "stock": stock(&it.stock), "ipo_release_time": it.release_time, "ipo_price": it.price.0,
        }),
        Body::AddOrder(it) => json!({
            "order_reference_number": it.reference.0, "buy_sell_indicator": letter(it.side.letter()),
            "shares": it.shares, "stock": stock(&it.stock), "price": it.price.0,
        }),
        Body::AttributedOrder(it) => json!({
            "order_reference_number": it.reference.0, "buy_sell_indicator": letter(it.side.letter()),
            "shares": it.shares, "stock": stock(&it.stock), "price": it.price.0,
            "attribution": String::from_utf8_lossy(&it.participant),
        }),
        Body::OrderExecuted(it) => json!({
            "order_reference_number": it.reference.0, "executed_shares": it.shares,
            "match_number": it.match_number.0,
        }),
        Body::OrderExecutedAtPrice(it) => json!({
            "order_reference_number": it.reference.0, "executed_shares": it.shares,
            "match_number": it.match_number.0, "printable": letter(it.printable),
            "execution_price": it.price.0,
        }),
        Body::OrderCancel(it) => json!({
            "order_reference_number": it.reference.0, "cancelled_shares": it.shares,
        }),
        Body::OrderDelete(it) => json!({ "order_reference_number": it.reference.0 }),
        Body::OrderReplace(it) => json!({
            "order_reference_number": it.old.0, "new_order_reference_number": it.new.0,
            "shares": it.shares, "price": it.price.0,
        }),
        Body::Trade(it) => json!({
            "order_reference_number": it.reference.0, "buy_sell_indicator": letter(it.side.letter()),
            "shares": it.shares, "stock": stock(&it.stock), "price": it.price.0,
            "match_number": it.match_number.0,
        }),
        Body::CrossTrade(it) => json!({
            "shares": it.shares, "stock": stock(&it.stock), "cross_price": it.price.0,
            "match_number": it.match_number.0, "cross_type": letter(it.cross.letter()),
        }),
        Body::BrokenTrade(it) => json!({ "match_number": it.match_number.0 }),
        Body::ImbalanceIndicator(it) => json!({
            "paired_shares": it.paired, "imbalance_shares": it.imbalance,
            "imbalance_direction": letter(it.direction.letter()), "stock": stock(&it.stock),
            "far_price": it.far.0, "near_price": it.near.0,
            "current_reference_price": it.reference.0, "cross_type": letter(it.cross.letter()),
            "variation_indicator": letter(it.variation),
        }),
        // Of the rarer kinds, that every byte is kept has to do.
        _ => json!({}),
    }
}

#[test]
fn itchfeed_decodes_every_kind_of_message() {
    let Some(mut command) = peers::python("itchfeed_decode.py") else {
        return;
    };
    let directory = tempfile::tempdir().unwrap();
    let file = directory.path().join("day");
    write_day(COUNT, &file);
    let output = run(command.arg(&file));
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let decoded = String::from_utf8(output.stdout).unwrap();
    let mut decoded = decoded.lines();
    let mut kinds = BTreeSet::new();
    for (number, bytes) in (1..).zip(day(COUNT)) {
        let message = Message::decode(&bytes).unwrap();
        let found: Value = serde_json::from_str(decoded.next().expect("a message")).unwrap();
        let mut wanted = meant(&message);
        wanted["type"] = char::from(message.body.kind()).to_string().into();
        wanted["stock_locate"] = message.header.locate.into();
        wanted["tracking_number"] = message.header.tracking.into();
        wanted["timestamp"] = message.header.timestamp.nanos().into();
        wanted["same"] = true.into();
        for (name, value) in wanted.as_object().unwrap() {
            assert_eq!(&found[name], value, "message {number}, {name}: {found}");
        }
        kinds.insert(message.body.kind());
    }
    assert_eq!(decoded.next(), None);
    assert_eq!(kinds.len(), KINDS.len());
}
